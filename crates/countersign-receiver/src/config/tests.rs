//! Files in, configurations or mistakes out.

use expect_test::{Expect, expect};

use super::{Config, Overrides, Refused};

fn parse(text: &str) -> Result<Config, Refused> {
    let environment = |name: &str| match name {
        "TOKEN" => Some("SECRET-token-of-more-than-32-bytes".to_owned()),
        "SHORT" => Some("SECRET-token".to_owned()),
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
        tls:
          cert_file: server.crt
          key_file: server.key
          client_ca_file: clients.crt
          min_version: '1.3'
          reload_interval: 1m
hooks:
  github:
    secrets: ['${env:TOKEN}', SECRET-before]
    only: [acme/api]
    agents: ['acme-agent[bot]']
  json/thumbs:
    secret: SECRET-thumbs
    mapping:
      task: /conversation/id
      state: /thumb
      states: { up: accepted, down: rejected }
      source: end_user
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
  operator: { endpoint: 'localhost:0', hosts: [pages.example.com] }
  credentials:
    agents:
      tenant: acme
      sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
      scopes: [write_telemetry, write_verdicts]
    dashboards: { secret: '${env:TOKEN}', scopes: [operate] }
  tenants: { acme: { requests_per_second: 50 } }
  connections: { total: 100, per_address: 10 }
  journal_kept: 4GiB
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
            doors: Doors {
                grpc: Door {
                    tls: None,
                    insecure: false,
                    hosts: [],
                },
                http: Door {
                    tls: Some(
                        TlsFiles {
                            cert_file: "server.crt",
                            key_file: "server.key",
                            client_ca_file: Some(
                                "clients.crt",
                            ),
                            min_version: Tls13,
                            reload_interval: 60s,
                        },
                    ),
                    insecure: false,
                    hosts: [],
                },
                operator: Door {
                    tls: None,
                    insecure: false,
                    hosts: [
                        "pages.example.com",
                    ],
                },
            },
            credentials: [
                Credential {
                    name: "agents",
                    tenant: "acme",
                    digest: Digest(..),
                    scopes: Scopes(
                        3,
                    ),
                },
                Credential {
                    name: "dashboards",
                    tenant: "default",
                    digest: Digest(..),
                    scopes: Scopes(
                        8,
                    ),
                },
            ],
            tenants: [
                TenantLimits {
                    name: "acme",
                    requests_per_second: Some(
                        50,
                    ),
                },
            ],
            connections: Connections {
                total: 100,
                per_address: Some(
                    10,
                ),
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
            hooks: [
                Hook {
                    name: "github",
                    tenant: "default",
                    source: github,
                    secrets: [
                        Secret,
                        Secret,
                    ],
                    only: [
                        "acme/api",
                    ],
                    agents: [
                        "acme-agent[bot]",
                    ],
                    prefixes: [],
                    mapping: None,
                },
                Hook {
                    name: "thumbs",
                    tenant: "default",
                    source: json,
                    secrets: [
                        Secret,
                    ],
                    only: [],
                    agents: [],
                    prefixes: [],
                    mapping: Some(
                        Mapping {
                            task: "/conversation/id",
                            task_prefix: "",
                            state: "/thumb",
                            states: [
                                (
                                    "up",
                                    Accepted,
                                ),
                                (
                                    "down",
                                    Rejected,
                                ),
                            ],
                            time: None,
                            id: None,
                            source: EndUser,
                            basis: Explicit,
                        },
                    ),
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
            reread_interval: 604800s,
            journal_kept_bytes: 4294967296,
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
        tls: { cert_file: a, min_version: 1.1 }
        auth: { authenticator: x }
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
  credentials:
    a b: {}
    none: { scopes: [write_telemetry] }
    both: { sha256: abc, secret: '${env:TOKEN}', scopes: [write] }
  tenants: { acme: { requests_per_second: 0 } }
  connections: { total: many }
",
        &expect![[r#"
            countersign.yaml: 25 mistakes
              receivers.otlp.protocols.http.tls.key_file: is missing: TLS needs a certificate and its key
              line 6: receivers.otlp.protocols.grpc.endpiont: unknown key; known here: endpoint, insecure, tls, hosts
              line 8: receivers.otlp.protocols.http.endpoint: expected an address such as 127.0.0.1:4317 or [::1]:0, found `localhost`
              line 9: receivers.otlp.protocols.http.tls.min_version: expected 1.2 or 1.3, found `1.1`
              line 10: receivers.otlp.protocols.http.auth: credentials are the same on all ports: put them under countersign.credentials
              line 12: exporters.otlp/jaeger: `endpoint` is missing: where should it go?
              line 13: exporters.debug: no such exporter; there are otlp/NAME and otlphttp/NAME
              line 14: exporters.otlp/a/b: expected a name of at most 64 letters, digits, `-`, `_` and `.`
              line 15: exporters.otlp/c.endpoint: expected host:port or a URL, found `ftp://x`
              line 15: exporters.otlp/c.sending_queue: every destination is served from a queue on disk, and nothing can be set about it yet: leave it out
              line 17: exporters.otlp/e.scrub: destinations of one signal share a queue: give them the same `scrub`
              line 19: countersign.patience: expected a duration such as 15s, 1m30s, 12h or 14d, found `soon`
              line 20: countersign.edited_threshold: expected a share from 0 to 1, found `5`
              line 22: countersign.workflows.support.patience: expected a duration such as 15s, 1m30s, 12h or 14d, found `0s`
              line 23: countersign.prices: expected a list, found a value
              line 24: countersign.scrub: expected standard, strict or off, found `none`
              line 25: countersign.trace_url: expected a URL with {trace_id} in it, found `http://jaeger/trace`
              line 26: countersign.data: expected a directory, found nothing
              line 28: countersign.credentials.a b: expected a name of at most 64 letters, digits, `-`, `_` and `.`
              line 29: countersign.credentials.none: `sha256` is missing: `countersign token NAME` makes a secret and prints it
              line 30: countersign.credentials.both.scopes: expected write_telemetry, write_verdicts, read_outcomes, operate, found `write`
              line 30: countersign.credentials.both.secret: there is a `sha256` too: which one is it?
              line 30: countersign.credentials.both.sha256: expected 64 hexadecimal digits, found `abc`
              line 31: countersign.tenants.acme.requests_per_second: expected a number from 1, found `0`
              line 32: countersign.connections.total: expected a number from 1, found `many`"#]],
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
countersign:
  credentials:
    a: { secret: SECRET-inline-of-more-than-32-bytes, scopes: [operate] }
    b: { secret: '${env:SHORT}', scopes: [operate] }
    c: { secret: 'file:/nonexistent', scopes: [operate] }
    d: { secret: '${env:TOKEN}more', scopes: [operate] }
",
        &expect![[r#"
            countersign.yaml: 7 mistakes
              line 6: exporters.otlp/a.headers.authorization: expected a header name and a text value
              line 7: exporters.otlp/a.headers.x-key: the environment variable NONE is not set
              line 8: exporters.otlp/a.timeout: expected a duration such as 15s, 1m30s, 12h or 14d, found `${env:TOKEN}`
              line 11: countersign.credentials.a.secret: expected `${env:NAME}` or `file:PATH`: who reads this file must not learn the secret itself
              line 12: countersign.credentials.b.secret: the secret is shorter than 32 bytes: make one with `countersign token NAME`
              line 13: countersign.credentials.c.secret: /nonexistent: No such file or directory (os error 2)
              line 14: countersign.credentials.d.secret: expected `${env:NAME}` or `file:PATH`: who reads this file must not learn the secret itself"#]],
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
              countersign.operator: [::]:4319 is open to others without TLS and credentials. Add
                  tls: { cert_file: server.crt, key_file: server.key }   # here
                  credentials: …   # under countersign: what `countersign token NAME` prints
                  or, behind a proxy or a Collector that has both, one of
                  endpoint: 127.0.0.1:4319
                  insecure: true   # whoever reaches this address may write and read
              receivers.otlp.protocols.grpc: 0.0.0.0:4317 is open to others without TLS and credentials. Add
                  tls: { cert_file: server.crt, key_file: server.key }   # here
                  credentials: …   # under countersign: what `countersign token NAME` prints
                  or, behind a proxy or a Collector that has both, one of
                  endpoint: 127.0.0.1:4317
                  insecure: true   # whoever reaches this address may write and read"#]],
    );
}

#[test]
fn what_is_missing_of_tls_and_credentials_is_told() {
    let with = |grpc: &str, own: &str| {
        format!(
            "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '0.0.0.0:4317', {grpc} }} }} \
             }} }}\ncountersign: {{ {own} }}\n"
        )
    };
    let tls = "tls: { cert_file: a, key_file: b }";
    let client = "tls: { cert_file: a, key_file: b, client_ca_file: c }";
    let credentials = "credentials: { a: { secret: '${env:TOKEN}', scopes: [operate] } }";
    for right in [with(tls, credentials), with(client, ""), with("insecure: true", "")] {
        parse(&right).expect(&right);
    }
    refused(
        &with(tls, ""),
        &expect![[r#"
        countersign.yaml: 1 mistake
          receivers.otlp.protocols.grpc: 0.0.0.0:4317 is open to others without credentials. Add
              credentials: …   # under countersign: what `countersign token NAME` prints
              or, behind a proxy or a Collector that has both, one of
              endpoint: 127.0.0.1:4317
              insecure: true   # whoever reaches this address may write and read"#]],
    );
    refused(
        &with("", credentials),
        &expect![[r#"
        countersign.yaml: 1 mistake
          receivers.otlp.protocols.grpc: 0.0.0.0:4317 is open to others without TLS. Add
              tls: { cert_file: server.crt, key_file: server.key }   # here
              or, behind a proxy or a Collector that has both, one of
              endpoint: 127.0.0.1:4317
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

#[test]
fn hooks_say_what_is_wrong_and_no_secret() {
    let text = "
hooks:
  github: { only: [acme/api] }
  github/second: { secret: '${env:TOKEN}', colour: red }
  gitlab/second: { secret: SECRET-b }
  forge: { secret: SECRET-c }
  slack/a/b: { secret: SECRET-d }
  jira: { secrets: [SECRET-e, SECRET-f, SECRET-g] }
  linear: { secret: 'whsec_SECRET!' }
  zendesk: { secret_file: /nowhere/SECRET }
  json: { secret: SECRET-h }
  json/mapped:
    secret: SECRET-i
    mapping: { task: ticket, states: { solved: good } }
";
    let expected = expect![[r#"
        countersign.yaml: 13 mistakes
          line 3: hooks.github: `secret` is missing: what the source signs with, e.g. ${env:GITHUB_SECRET}
          line 4: hooks.github/second.colour: unknown key; known here: secrets, secret, secret_file, tenant, only, agents, task_prefixes, mapping
          line 5: hooks.gitlab/second: the name is taken by another hook
          line 6: hooks.forge: no such source; there are github, gitlab, bitbucket, gitea, zendesk, jira, pagerduty, linear, intercom, slack, standard_webhooks, cloudevents, json
          line 7: hooks.slack/a/b: expected a name of at most 64 letters, digits, `-`, `_` and `.`
          line 8: hooks.jira: two secrets at most: the present one and the one before it
          line 9: hooks.linear: a secret is empty, or begins with `whsec_` and is not base64 after it
          line 10: hooks.zendesk: `secret` is missing: what the source signs with, e.g. ${env:GITHUB_SECRET}
          line 10: hooks.zendesk.secret_file: /nowhere/SECRET: No such file or directory (os error 2)
          line 11: hooks.json: `mapping` is missing: where in the body are task and state?
          line 14: hooks.json/mapped.mapping: `state` is missing
          line 14: hooks.json/mapped.mapping.states.solved: expected one of accepted, edited, rejected, escalated, withdrawn, defect
          line 14: hooks.json/mapped.mapping.task: expected a JSON pointer such as /ticket/id, found `ticket`"#]];
    refused(text, &expected);
}
