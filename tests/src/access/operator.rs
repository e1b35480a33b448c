//! The operator port: no page but its own, and the same credentials as everywhere.

use super::site::{Site, Token, said_to};

fn get(address: &str, headers: &str) -> String {
    let request = format!("GET /api/v1/totals HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    said_to(address, request.as_bytes())
}

#[test]
fn c040_pages_of_others_are_refused() {
    let site = Site::new();
    let server = site.start("countersign: { operator: { hosts: [pages.example] } }\n");
    for (headers, status) in [
        ("Host: localhost:4319\r\n", "200"),
        ("Host: pages.example\r\n", "200"),
        ("Host: evil.example\r\n", "403"),
        ("Host: localhost\r\nOrigin: http://localhost\r\n", "200"),
        ("Host: localhost\r\nOrigin: http://evil.example\r\n", "403"),
        ("Host: localhost\r\nOrigin: null\r\n", "403"),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", "403"),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", "200"),
    ] {
        let answer = get(&server.operator, headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
        assert!(answer.contains("\r\nx-content-type-options: nosniff\r\n"), "{answer}");
    }
    server.stop();
}

#[test]
fn the_operator_port_asks_for_the_same_credentials() {
    let site = Site::new();
    let (operators, agents) = (Token::new(), Token::new());
    let text = format!(
        "countersign:\n  credentials:\n{}{}",
        operators.line("ops", "scopes: [operate]"),
        agents.line("agents", "scopes: [write_telemetry]")
    );
    let server = site.start(&text);
    let client = site.client().build().unwrap();
    let url = |path: &str| format!("{}{path}", server.operator);
    for path in ["/", "/metrics", "/api/v1/totals", "/tasks/x", "/assets/countersign.css", "/x"] {
        let answer = client.get(url(path)).send().unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 2, "{path}");
        let answer = client.get(url(path)).bearer_auth(&agents.secret).send().unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    // As a browser does.
    let get = client.get(url("/")).basic_auth("ops", Some(&operators.secret));
    assert_eq!(get.send().unwrap().status(), 200);
    let get = client.get(url("/")).basic_auth("other", Some(&operators.secret));
    assert_eq!(get.send().unwrap().status(), 401);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.get(url(path)).send().unwrap().status(), 200, "{path}");
    }
    server.stop();
}
