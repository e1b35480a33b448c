//! A browser under test: Chromium, spoken to through a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::server::PATIENCE;

/// A running browser with one page.
pub(super) struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Option<String>,
    next: u64,
    errors: Vec<String>,
}

impl Browser {
    /// Starts it.
    pub(super) fn start(folder: &Path) -> Browser {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let is_there = |name: &&str| {
            let mut tried = Command::new(name);
            let tried = tried.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            tried.status().is_ok_and(|status| status.success())
        };
        let name = names.into_iter().find(is_there).expect("Chromium is installed");
        // The pipe's ends are descriptors 3 and 4 of the browser.
        let line = format!(
            "exec {name} --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
             --no-first-run --user-data-dir='{}' --remote-debugging-pipe about:blank \
             3<&0 4>&1 0</dev/null 1>&2",
            folder.join("browser").display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Browser { child, input, output, session: None, next: 0, errors: Vec::new() }
    }

    /// Opens a page.
    pub(super) fn open(&mut self, url: &str) {
        let page = self.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let session = self.ask("Target.attachToTarget", attach);
        self.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        self.ask("Runtime.enable", json!({}));
        self.ask("Log.enable", json!({}));
        self.ask("Page.enable", json!({}));
        self.ask("Page.navigate", json!({"url": url}));
        self.ask("Page.bringToFront", json!({}));
    }

    /// Waits until an expression of the page holds.
    pub(super) fn wait(&mut self, what: &str, expression: &str) {
        let began = countersign_receiver::clock::instant();
        loop {
            let asked = json!({"expression": expression, "returnByValue": true});
            let answer = self.ask("Runtime.evaluate", asked);
            if answer["result"]["value"] == true {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain: {what}: {answer}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Presses keys one after the other.
    pub(super) fn type_keys(&mut self, keys: &str) {
        for key in keys.chars() {
            let (name, code, text) = match key {
                '\t' => ("Tab".to_owned(), 9, None),
                '\r' => ("Enter".to_owned(), 13, Some("\r".to_owned())),
                '\u{1b}' => ("Escape".to_owned(), 27, None),
                key => (key.to_string(), key.to_ascii_uppercase() as u32, Some(key.to_string())),
            };
            let mut down = json!({"type": if text.is_some() { "keyDown" } else { "rawKeyDown" },
                "key": name, "windowsVirtualKeyCode": code});
            if let Some(text) = text {
                down["text"] = json!(text);
            }
            self.ask("Input.dispatchKeyEvent", down);
            let up = json!({"type": "keyUp", "key": name, "windowsVirtualKeyCode": code});
            self.ask("Input.dispatchKeyEvent", up);
        }
    }

    /// What the page complained of: exceptions, and what its policy forbids.
    pub(super) fn errors(&mut self) -> Vec<String> {
        self.ask("Runtime.evaluate", json!({"expression": "1"}));
        self.errors.clone()
    }

    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            self.output.read_until(0, &mut bytes).unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser ended");
            let said: Value = serde_json::from_slice(&bytes).unwrap();
            if said["id"] == self.next {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            let is_error = said["params"]["entry"]["level"] == "error";
            if said["method"] == "Runtime.exceptionThrown" || is_error {
                self.errors.push(said["params"].to_string());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
