//! Files in, configurations or mistakes out.

use expect_test::{Expect, expect};

use super::{Config, Overrides, Refused};

fn parse(text: &str) -> Result<Config, Refused> {
    let environment = |name: &str| match name {
        "TOKEN" => Some("SECRET-token".to_owned()),
        "GRPC" => Some("127.0.0.1:1".to_owned()),
        _ => None,
    };
    Config::parse(text, Overrides::default(), &environment)
        .map_err(|mistakes| Refused { file: Some("countersign.yaml".into()), mistakes })
}

fn refused(text: &str, expected: &Expect) {
    let refused = parse(text).expect_err("the file is wrong");
    expected.assert_eq(&refused.to_string());
}

#[test]
fn nothing_is_needed() {
    let config = parse("").expect("an empty file is right");
    assert_eq!(config.listen.grpc.to_string(), "127.0.0.1:4317");
    assert_eq!(parse("# only a comment\n").expect("right").data, config.data);
}

#[test]
fn every_key() {
    let text = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:GRPC}' }
      http:
        endpoint: 0.0.0.0:4318
        insecure: true
exporters:
  otlp/jaeger:
    endpoint: jaeger:4317
    tls: { insecure: true }
    signals: [traces]
    compression: none
    scrub: off
  otlphttp/backend:
    endpoint: https://otlp.example.com/
    headers: { authorization: 'Bearer ${env:TOKEN}' }
    signals: [logs, metrics]
    timeout: 5s
    retry_on_failure: { initial_interval: 2s, max_interval: 1m }
countersign:
  data: /var/lib/countersign
  operator: { endpoint: 'localhost:0' }
  purpose: to see what reviewed work costs
  patience: 30d
  confirm: 7d
  review_rate_usd_per_hour: 75.5
  edited_threshold: 0.1
  workflows:
    support: { patience: 72h, confirm: 0s, review_rate_usd_per_hour: 40 }
  task_keys: [ticket.id]
  prices: [contract.json]
  scrub: strict
  metrics: { interval: 30s }
  trace_url: http://jaeger:16686/trace/{trace_id}
";
    let config = parse(text).expect("the file is right");
    let expected = expect![[r#"
        Config {
            listen: Listen {
                grpc: 127.0.0.1:1,
                http: 0.0.0.0:4318,
                operator: 127.0.0.1:0,
            },
            data: "/var/lib/countersign",
            destinations: [
                Destination {
                    name: "jaeger",
                    endpoint: "http://jaeger:4317",
                    protocol: Grpc,
                    headers: [],
                    gzip: false,
                    signals: Signals {
                        traces: true,
                        logs: false,
                        metrics: false,
                    },
                    scrub: Off,
                    timeout: 10s,
                    ca_file: None,
                    retry: Retry {
                        initial: 1s,
                        max: 30s,
                    },
                },
                Destination {
                    name: "backend",
                    endpoint: "https://otlp.example.com",
                    protocol: HttpProtobuf,
                    headers: [
                        (
                            "authorization",
                            Sensitive,
                        ),
                    ],
                    gzip: true,
                    signals: Signals {
                        traces: false,
                        logs: true,
                        metrics: true,
                    },
                    scrub: Strict,
                    timeout: 5s,
                    ca_file: None,
                    retry: Retry {
                        initial: 2s,
                        max: 60s,
                    },
                },
            ],
            books: Settings {
                patience_ms: 2592000000,
                patience_ms_by_workflow: [
                    (
                        "support",
                        259200000,
                    ),
                ],
                confirm_ms: Some(
                    604800000,
                ),
                confirm_ms_by_workflow: [
                    (
                        "support",
                        0,
                    ),
                ],
                review_rate_per_hour: Money(
                    75500000000000,
                ),
                review_rate_by_workflow: [
                    (
                        "support",
                        Money(
                            40000000000000,
                        ),
                    ),
                ],
                edited_ppm: 100000,
            },
            dialect: Settings {
                task_keys: [
                    "ticket.id",
                ],
                instance: "",
            },
            prices: [
                "contract.json",
            ],
            scrub: Strict,
            metrics_interval: 30s,
            purpose: "to see what reviewed work costs",
            trace_url: Some(
                "http://jaeger:16686/trace/{trace_id}",
            ),
        }
    "#]];
    expected.assert_debug_eq(&config);
}

#[test]
fn all_mistakes_are_named_at_once() {
    refused(
        "
receivers:
  otlp:
    protocols:
      grpc:
        endpiont: 127.0.0.1:4317
      http:
        endpoint: localhost
        tls: { cert_file: a }
exporters:
  otlp/jaeger: {}
  debug: { verbosity: detailed }
  otlp/a/b: { endpoint: x }
  otlp/c: { endpoint: 'ftp://x', sending_queue: { queue_size: 1 } }
  otlp/d: { endpoint: x, scrub: strict }
  otlp/e: { endpoint: 'x:4317', scrub: off }
countersign:
  patience: soon
  edited_threshold: 5
  workflows:
    support: { patience: 0s }
  prices: contract.json
  scrub: none
  trace_url: http://jaeger/trace
  data:
",
        &expect![[r#"
            countersign.yaml: 16 mistakes
              line 6: receivers.otlp.protocols.grpc.endpiont: unknown key; known here: endpoint, insecure
              line 8: receivers.otlp.protocols.http.endpoint: expected an address such as 127.0.0.1:4317 or [::1]:0, found `localhost`
              line 9: receivers.otlp.protocols.http.tls: listeners have no TLS and no credentials of their own yet: listen on 127.0.0.1 behind a proxy or a Collector that has them
              line 11: exporters.otlp/jaeger: `endpoint` is missing: where should it go?
              line 12: exporters.debug: no such exporter; there are otlp/NAME and otlphttp/NAME
              line 13: exporters.otlp/a/b: expected a name of at most 64 letters, digits, `-`, `_` and `.`
              line 14: exporters.otlp/c.endpoint: expected host:port or a URL, found `ftp://x`
              line 14: exporters.otlp/c.sending_queue: every destination is served from a queue on disk, and nothing can be set about it yet: leave it out
              line 16: exporters.otlp/e.scrub: destinations of one signal share a queue: give them the same `scrub`
              line 18: countersign.patience: expected a duration such as 15s, 1m30s, 12h or 14d, found `soon`
              line 19: countersign.edited_threshold: expected a share from 0 to 1, found `5`
              line 21: countersign.workflows.support.patience: expected a duration such as 15s, 1m30s, 12h or 14d, found `0s`
              line 22: countersign.prices: expected a list, found a value
              line 23: countersign.scrub: expected standard, strict or off, found `none`
              line 24: countersign.trace_url: expected a URL with {trace_id} in it, found `http://jaeger/trace`
              line 25: countersign.data: expected a directory, found nothing"#]],
    );
}

#[test]
fn secrets_are_not_shown() {
    refused(
        "
exporters:
  otlp/a:
    endpoint: x:1
    headers:
      authorization: \"Bearer inline\\x01\"
      x-key: ${env:NONE}
    timeout: ${env:TOKEN}
",
        &expect![[r#"
            countersign.yaml: 3 mistakes
              line 6: exporters.otlp/a.headers.authorization: expected a header name and a text value
              line 7: exporters.otlp/a.headers.x-key: the environment variable NONE is not set
              line 8: exporters.otlp/a.timeout: expected a duration such as 15s, 1m30s, 12h or 14d, found `${env:TOKEN}`"#]],
    );
}

#[test]
fn no_listener_is_open_by_accident() {
    refused(
        "
receivers: { otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317' } } } }
countersign: { operator: { endpoint: '[::]:4319' } }
",
        &expect![[r#"
            countersign.yaml: 2 mistakes
              countersign.operator: [::]:4319 is open to others, without TLS and credentials. Either of
                  endpoint: 127.0.0.1:4319   # behind a proxy or a Collector that has both
                  insecure: true   # whoever reaches this address may write and read
              receivers.otlp.protocols.grpc: 0.0.0.0:4317 is open to others, without TLS and credentials. Either of
                  endpoint: 127.0.0.1:4317   # behind a proxy or a Collector that has both
                  insecure: true   # whoever reaches this address may write and read"#]],
    );
}

#[test]
fn what_is_not_yaml() {
    refused(
        "countersign:\n  data: [\n",
        &expect![[r#"
        countersign.yaml: 1 mistake
          line 2: unclosed bracket '[' at line 2, column 9"#]],
    );
    refused(
        "- a\n- b\n",
        &expect![[r#"
        countersign.yaml: 1 mistake
          line 1: expected a section, found a list"#]],
    );
    refused(
        "countersign: {}\ncountersign: {}\n",
        &expect![[r#"
        countersign.yaml: 1 mistake
          line 2: duplicate mapping key: countersign, set DuplicateKeyPolicy in Options if acceptable at line 2, column 1"#]],
    );
}
