//! Reloads: nothing is dropped, and what is broken changes nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::blocking::Client;
use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::site::{Pair, Site, Token, secure, spans};
use crate::server::{Server, wait_for};

const RELOADS: u64 = 200;

struct Reloading {
    site: Site,
    server: Server,
    client: Client,
    operators: Token,
    agents: Token,
}

impl Reloading {
    fn start() -> Reloading {
        let site = Site::new();
        let (operators, agents) = (Token::new(), Token::new());
        let text = config(&site, &[&operators, &agents], 0);
        let server = site.start(&text);
        let client = site.client().build().unwrap();
        Reloading { site, server, client, operators, agents }
    }

    fn configuration(&self) -> Value {
        let url = format!("{}/api/v1/status", secure(&self.server.operator));
        let status = self.client.get(url).bearer_auth(&self.operators.secret).send().unwrap();
        assert_eq!(status.status(), 200);
        status.json::<Value>().unwrap()["configuration"].take()
    }

    fn hang_up(&self) {
        kill_process(self.server.pid(), Signal::HUP).unwrap();
    }

    fn hang_up_and_wait_for(&self, what: &str) {
        let before = self.configuration()[what].as_u64().unwrap();
        self.hang_up();
        wait_for(what, || self.configuration()[what].as_u64().unwrap() > before);
    }

    /// Sends a span with a connection of its own; what went wrong, if something did.
    fn send(&self, secret: &str, trace: u64) -> Result<(), String> {
        let client = self.site.client().build().unwrap();
        let url = format!("{}/v1/traces", secure(&self.server.http));
        let post = client.post(url).header("content-type", "application/x-protobuf");
        let body = spans(trace.into(), "t", 0.001);
        let answer = post.bearer_auth(secret).body(body).send();
        match answer {
            Ok(answer) if answer.status() == 200 => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(format!("{error:?}")),
        }
    }
}

/// The `turn` changes what the configuration says each time.
fn config(site: &Site, known: &[&Token; 2], turn: u64) -> String {
    let [operators, agents] = known;
    let own = format!(
        "  tenants: {{ acme: {{ requests_per_second: {} }} }}\n  credentials:\n{}{}",
        1_000_000 + turn,
        operators.line("ops", "scopes: [operate]"),
        agents.line("agents", "scopes: [write_telemetry]")
    );
    site.with_tls("", &own)
}

#[test]
fn f29_two_hundred_reloads_drop_nothing() {
    let it = Reloading::start();
    let pairs: Vec<Pair> = (0..4).map(|_| it.site.authority.pair()).collect();
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let trace = sent.fetch_add(1, Ordering::Relaxed) + 1;
                        it.send(&it.agents.secret, trace).unwrap();
                    }
                })
            })
            .collect();
        for turn in 1..=RELOADS {
            it.site.put_pair(&pairs[usize::try_from(turn % 4).unwrap()]);
            it.site.configure(&config(&it.site, &[&it.operators, &it.agents], turn));
            it.hang_up_and_wait_for("done");
        }
        stop.store(true, Ordering::Relaxed);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
    let sent = sent.into_inner();
    println!("{RELOADS} reloads, {sent} requests on connections of their own, 0 failed");
    assert!(sent > 100, "{sent}");
    assert_eq!(it.configuration()["broken"], false);
    it.server.stop();
}

#[test]
fn f29_what_is_broken_changes_nothing_and_is_told() {
    let it = Reloading::start();
    let good = std::fs::read_to_string(it.site.path("countersign.yaml")).unwrap();
    let other = it.site.authority.pair();
    let breaks: [(&str, &dyn Fn()); 4] = [
        ("not YAML", &|| it.site.configure("countersign: [\n")),
        ("a wrong credential", &|| it.site.configure(&good.replace("[operate]", "[everything]"))),
        ("a pair that was half written", &|| it.site.put("server.crt", &other.cert)),
        ("no key", &|| std::fs::remove_file(it.site.path("server.key")).unwrap()),
    ];
    let whole = it.site.authority.pair();
    for (trace, (what, do_break)) in (1..).zip(breaks) {
        do_break();
        it.hang_up_and_wait_for("failed");
        it.send(&it.agents.secret, trace).expect(what);
        let ready = it.client.get(format!("{}/readyz", secure(&it.server.operator)));
        let ready = ready.send().unwrap().text().unwrap();
        let note = "ready\nnote: the configuration is broken, the old one stays in force\n";
        assert_eq!(ready, note, "{what}");
        assert!(it.server.logs().contains("cannot be reloaded and stays as it was"), "{what}");
        it.site.configure(&good);
        it.site.put_pair(&whole);
        it.hang_up_and_wait_for("done");
        assert_eq!(it.configuration()["broken"], false, "{what}");
    }
    it.server.stop();
}

#[test]
fn f29_credentials_change_by_themselves_and_the_rest_waits() {
    let it = Reloading::start();
    let new = Token::new();
    let text = config(&it.site, &[&it.operators, &new], 1) + "  purpose: another\n";
    assert!(it.send(&new.secret, 1).unwrap_err().contains("401"));
    it.site.configure(&text);
    // Nobody tells the program: it looks.
    wait_for("the new credential is known", || it.send(&new.secret, 2).is_ok());
    assert!(it.send(&it.agents.secret, 3).unwrap_err().contains("401"));
    assert_eq!(it.configuration()["restart_needed"], serde_json::json!(["purpose"]));
    assert!(it.server.logs().contains("these changes wait for the next start"));
    it.server.stop();
}
