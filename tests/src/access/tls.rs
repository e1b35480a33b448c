//! TLS of the ports: what is spoken, what is refused, and that no port is open by accident.

use std::time::Duration;

use countersign_proto::v1::GetTotalsRequest;
use countersign_proto::v1::outcomes_client::OutcomesClient;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::site::{Site, kept_for, said_to, secure, spans};
use crate::server::run;

#[test]
fn no_port_is_open_to_others_by_accident() {
    for (flag, key) in [
        ("--grpc", "receivers.otlp.protocols.grpc"),
        ("--http", "receivers.otlp.protocols.http"),
        ("--operator", "countersign.operator"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let words = ["serve", flag, "0.0.0.0:0", "--data", data.to_str().unwrap()];
        let (code, _, err) = run(&words);
        assert_eq!(code, 78, "{err}");
        assert!(err.contains(&format!("{key}: 0.0.0.0:0 is open to others")), "{err}");
        assert!(err.contains("\n      tls: { cert_file: server.crt, key_file: server.key }"));
        assert!(err.contains("`countersign token NAME`"), "{err}");
        assert!(!data.exists(), "nothing is touched before the configuration is right");
    }
}

#[test]
fn c038_alpn_gives_both_versions_of_http() {
    let site = Site::new();
    let server = site.start(&site.with_tls("", ""));
    let client = site.client().build().unwrap();
    let url = format!("{}/v1/traces", secure(&server.http));
    let post = client.post(&url).header("content-type", "application/x-protobuf");
    let answer = post.body(spans(1, "t", 0.25)).send().unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));
    // Tonic goes on only if ALPN has chosen HTTP/2.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let authority = Certificate::from_pem(&site.authority.pem);
        let tls = ClientTlsConfig::new().ca_certificate(authority);
        let endpoint = Endpoint::from_shared(format!("https://{}", server.grpc)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        OutcomesClient::new(channel).get_totals(GetTotalsRequest {}).await.unwrap();
    });
    // Plaintext is no TLS.
    assert_eq!(said_to(&server.http, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").find("HTTP/1.1"), None);
    server.stop();
}

#[test]
fn clients_certificates_are_asked_for() {
    let site = Site::new();
    let others = super::site::Authority::new();
    site.put("clients.crt", &site.authority.pem);
    let more =
        format!(", client_ca_file: {}, min_version: '1.3'", site.path("clients.crt").display());
    let server = site.start(&site.with_tls(&more, ""));
    let url = format!("{}/readyz", secure(&server.operator));
    let known = site.client_with(&site.authority.pair());
    assert_eq!(known.get(&url).send().unwrap().text().unwrap(), "ready\n");
    let unknown = site.client_with(&others.pair());
    assert!(unknown.get(&url).send().is_err());
    assert!(site.client().build().unwrap().get(&url).send().is_err());
    let old = reqwest::tls::Version::TLS_1_2;
    let old = site.client().tls_version_max(old).build().unwrap();
    assert!(old.get(&url).send().is_err());
    server.stop();
}

#[test]
fn files_that_do_not_fit_are_told_at_the_start() {
    let site = Site::new();
    let check = |site: &Site, expected: &str| {
        let config = site.path("countersign.yaml");
        let (code, out, err) = run(&["check", "--config", config.to_str().unwrap()]);
        assert!(code == 78 && err.contains(expected), "{code} {out}{err}");
    };
    site.configure(&site.with_tls("", ""));
    let (code, out, err) =
        run(&["check", "--config", site.path("countersign.yaml").to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
    site.put("server.key", &site.authority.pair().key);
    check(&site, "do not belong together");
    site.put("server.key", "nothing");
    check(&site, "a private key in PEM was expected");
    site.put("server.crt", "");
    check(&site, "a certificate in PEM was expected");
    site.put_pair(&site.authority.pair());
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(site.path("server.key"), open).unwrap();
    check(&site, "others can read it (mode 0644): chmod 600 it");
}

#[test]
fn f30_the_end_of_a_certificate_is_told() {
    let site = Site::new();
    let today = countersign_receiver::clock::now() / 1_000_000_000;
    let soon = i64::try_from(today).unwrap() + 5 * 86_400;
    let pair = site.authority.pair_until(|params| {
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(soon as u64);
    });
    site.put_pair(&pair);
    let server = site.start(&site.with_tls("", ""));
    let client = site.client().build().unwrap();
    let status = client.get(format!("{}/api/v1/status", secure(&server.operator))).send().unwrap();
    let status: serde_json::Value = status.json().unwrap();
    let ends = &status["configuration"]["certificates_end"];
    assert_eq!(*ends, serde_json::json!([["grpc", soon], ["http", soon], ["operator", soon]]));
    crate::server::wait_for("the warning", || {
        server.logs().contains("the certificate ends soon: renew it")
    });
    server.stop();
}

#[test]
fn f33_a_handshake_that_stalls_is_closed() {
    let site = Site::new();
    let server = site.start(&site.with_tls("", ""));
    // The first bytes of a handshake record, and no more.
    let kept = kept_for(&server.http, &[&[0x16, 3, 1, 2, 0]], Duration::from_secs(20)).unwrap();
    assert!((9..13).contains(&kept.as_secs()), "{kept:?}");
    server.stop();
}
