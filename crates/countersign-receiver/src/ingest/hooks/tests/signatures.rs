//! What proves a delivery, and what does not. The codes were computed with another program.

use countersign_core::fact::UnixNanos;
use http::HeaderMap;

use super::super::signature::proves;
use super::super::{Secret, VERDICT_SOURCES};
use super::headers;

const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
/// 2026-11-20 10:00:00 UTC.
const SIGNED: UnixNanos = 1_795_168_800_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// A kind of source with the headers of a delivery of [`BODY`].
const VECTORS: [(&str, &[(&str, &str)]); 14] = [
    (
        "github",
        &[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
    ("gitlab", &[("x-gitlab-token", "It's a Secret to Everybody")]),
    (
        "gitlab",
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1795168800"),
            ("webhook-signature", "v1,9X3/i8HCe5pgeEM/O+mzvA7FUGokbExeZthemyJFghI="),
        ],
    ),
    (
        "bitbucket",
        &[(
            "x-hub-signature",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
    (
        "gitea",
        &[(
            "x-gitea-signature",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
    (
        "zendesk",
        &[
            ("x-zendesk-webhook-signature-timestamp", "2026-11-20T10:00:00Z"),
            ("x-zendesk-webhook-signature", "b1zBKBOMJGI/18OqNWhbFTMW7XrrLOkh5C6mXgV6zmg="),
        ],
    ),
    (
        "jira",
        &[(
            "x-hub-signature",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
    (
        "pagerduty",
        &[(
            "x-pagerduty-signature",
            "v1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
    (
        "linear",
        &[("linear-signature", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")],
    ),
    ("intercom", &[("x-hub-signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59")]),
    (
        "slack",
        &[
            ("x-slack-request-timestamp", "1795168800"),
            (
                "x-slack-signature",
                "v0=41d2285b109d995b0155fd7fbae027506d774d32451dc4691d9e64bd53e60fe2",
            ),
        ],
    ),
    (
        "standard_webhooks",
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1795168800"),
            ("webhook-signature", "v1,9X3/i8HCe5pgeEM/O+mzvA7FUGokbExeZthemyJFghI="),
        ],
    ),
    ("cloudevents", &[("authorization", "Bearer It's a Secret to Everybody")]),
    (
        "json",
        &[(
            "x-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
    ),
];

fn is_proved(
    kind: &str,
    secrets: &[&str],
    headers: &HeaderMap,
    body: &[u8],
    received: UnixNanos,
) -> bool {
    let source = VERDICT_SOURCES.iter().find(|source| source.kind == kind).unwrap();
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(text).unwrap()).collect();
    proves(source.schemes, &secrets, headers, body, received)
}

#[test]
fn f46_the_signature_of_each_source() {
    for (kind, pairs) in VECTORS {
        assert!(is_proved(kind, &[SECRET], &headers(pairs), BODY, SIGNED), "{kind} {pairs:?}");
    }
    let tried: Vec<&str> = VECTORS.iter().map(|(kind, _)| *kind).collect();
    assert!(VERDICT_SOURCES.iter().all(|source| tried.contains(&source.kind)));
}

#[test]
fn f46_the_vector_that_github_publishes() {
    let code = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = headers(&[("x-hub-signature-256", code)]);
    assert!(is_proved("github", &[SECRET], &headers, BODY, SIGNED));
}

#[test]
fn f46_altered_bodies_are_not_proved() {
    for (kind, pairs) in VECTORS {
        let is_token =
            pairs.iter().any(|(name, _)| ["x-gitlab-token", "authorization"].contains(name));
        for body in [&b"Hello, World"[..], b"hello, World!", b"Hello, World!\n", b""] {
            let proved = is_proved(kind, &[SECRET], &headers(pairs), body, SIGNED);
            // A token says who sends, and nothing of what is sent.
            assert_eq!(proved, is_token, "{kind}");
        }
    }
}

#[test]
fn f46_json_that_was_written_again_is_not_proved() {
    let body = br#"{"a": 1.0, "b": "\u00e9"}"#;
    let code = "sha256=0c7c2783b0bd21f6bbbb813cb752c4af8a57caab62a3cf1e44737e199fa6ae4d";
    let headers = headers(&[("x-hub-signature-256", code)]);
    assert!(is_proved("github", &[SECRET], &headers, body, SIGNED));
    let again: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert!(!is_proved("github", &[SECRET], &headers, again.to_string().as_bytes(), SIGNED));
}

#[test]
fn f46_another_secret_proves_nothing_and_two_are_live() {
    for (kind, pairs) in VECTORS {
        let headers = headers(pairs);
        assert!(!is_proved(kind, &["another"], &headers, BODY, SIGNED), "{kind}");
        for both in [["another", SECRET], [SECRET, "another"]] {
            assert!(is_proved(kind, &both, &headers, BODY, SIGNED), "{kind}");
        }
    }
}

#[test]
fn f46_a_header_that_is_missing_doubled_swapped_or_cut_proves_nothing() {
    for (kind, pairs) in VECTORS {
        for (name, value) in pairs {
            let mut without = headers(pairs);
            without.remove(*name);
            assert!(!is_proved(kind, &[SECRET], &without, BODY, SIGNED), "{kind} without {name}");
            let mut doubled = headers(pairs);
            doubled.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
            assert!(!is_proved(kind, &[SECRET], &doubled, BODY, SIGNED), "{kind} twice {name}");
            let mut cut = headers(pairs);
            cut.insert(
                name.parse::<http::HeaderName>().unwrap(),
                value[..value.len() - 1].parse().unwrap(),
            );
            assert!(!is_proved(kind, &[SECRET], &cut, BODY, SIGNED), "{kind} cut {name}");
        }
        let swapped: Vec<_> =
            pairs.iter().map(|(_, value)| ("x-signature-of-others", *value)).collect();
        assert!(!is_proved(kind, &[SECRET], &headers(&swapped), BODY, SIGNED), "{kind}");
    }
}

#[test]
fn f46_what_was_signed_long_ago_is_not_proved() {
    for (kind, pairs) in VECTORS {
        let stamped = pairs.iter().any(|(name, _)| name.contains("timestamp"));
        for (late, fresh) in [(299, true), (301, false)] {
            let fresh = fresh || !stamped;
            let headers = headers(pairs);
            let after = is_proved(kind, &[SECRET], &headers, BODY, SIGNED + late * SECOND);
            let before = is_proved(kind, &[SECRET], &headers, BODY, SIGNED - late * SECOND);
            assert_eq!((after, before), (fresh, fresh), "{kind} {late} s apart");
        }
    }
}

#[test]
fn f46_one_of_several_codes_is_enough() {
    let (_, pairs) = VECTORS.iter().find(|(kind, _)| *kind == "pagerduty").unwrap();
    let (name, code) = pairs[0];
    let both = format!("v1={},{code}", "0".repeat(64));
    assert!(is_proved("pagerduty", &[SECRET], &headers(&[(name, &both)]), BODY, SIGNED));
}

#[test]
fn secrets_of_standard_webhooks_are_spelt_in_base64() {
    // The example of the specification.
    let headers = headers(&[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]);
    let body = br#"{"test": 2432232314}"#;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert!(is_proved("standard_webhooks", &[secret], &headers, body, 1_614_265_330 * SECOND));
    assert!(Secret::new("whsec_not base64").is_none());
    assert_eq!(format!("{:?}", Secret::new(secret).unwrap()), "Secret");
}
