//! The names that the port answers to.

use super::*;

#[test]
fn only_loopback_names_are_answered() {
    for name in
        ["localhost", "LOCALHOST:4319", "127.0.0.1:4319", "127.8.9.1", "[::1]:4319", "[::1]"]
    {
        assert!(is_loopback_name(name), "{name}");
    }
    for name in [
        "",
        "evil.example",
        "localhost.evil.example:4319",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[2001:db8::1]:4319",
        "localhost:4319:1",
        "evil.example:localhost",
        "0.0.0.0:4319",
    ] {
        assert!(!is_loopback_name(name), "{name}");
    }
}
