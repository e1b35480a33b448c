//! TLS of a listener: certificate, key and the authorities that clients' certificates come from,
//! read together or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use countersign_core::fact::UnixNanos;
use ring::digest::{Context, SHA256};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::files::{self, Held};

/// The TLS of a listener as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and what leads from it to its authority, as PEM.
    pub cert_file: PathBuf,
    /// Its private key, as PEM.
    pub key_file: PathBuf,
    /// If clients must show a certificate: the authorities that it may come from, as PEM.
    pub client_ca_file: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: MinVersion,
    /// How often the files are looked at for a change.
    pub reload_interval: Duration,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// 1.2 and 1.3.
    #[default]
    Tls12,
    /// 1.3 only.
    Tls13,
}

/// TLS that is ready to be spoken.
#[derive(Clone, Debug)]
pub struct TlsReady {
    /// For every connection from now on.
    pub config: Arc<ServerConfig>,
    /// When the first certificate of the chain is no longer valid.
    pub expires: UnixNanos,
    /// Tells whether it is another one.
    pub fingerprint: Fingerprint,
}

/// Of a listener's settings and the content of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Both that are spoken, and the newer one: what is offered first in ALPN comes first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

impl TlsFiles {
    /// Reads the files and checks that they fit together.
    ///
    /// # Errors
    /// Which file is wrong and how.
    pub fn load(&self) -> Result<TlsReady, String> {
        let mut fingerprint = Context::new(&SHA256);
        fingerprint.update(format!("{self:?}").as_bytes());
        let chain = certificates(&self.cert_file, &mut fingerprint)?;
        let expires = chain.iter().map(|one| expiry(one)).min().flatten().ok_or_else(|| {
            format!("{}: a certificate in it cannot be read", self.cert_file.display())
        })?;
        let key = Zeroizing::new(files::read(&self.key_file, Held::Secretly)?);
        fingerprint.update(&key);
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|error| unread(&self.key_file, "a private key", &error))?;
        let both = [&version::TLS13, &version::TLS12];
        let versions: &[&SupportedProtocolVersion] = match self.min_version {
            MinVersion::Tls12 => &both,
            MinVersion::Tls13 => &[&version::TLS13],
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?;
        let builder = match &self.client_ca_file {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(
                    Arc::new(authorities(path, &mut fingerprint)?),
                    provider,
                );
                let verifier = verifier.build();
                let wrong = |error| format!("{}: {error}", path.display());
                builder.with_client_cert_verifier(verifier.map_err(wrong)?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            let (cert, key) = (self.cert_file.display(), self.key_file.display());
            format!("{cert} and {key} do not belong together: {error}")
        })?;
        config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(fingerprint.finish().as_ref());
        Ok(TlsReady { config: Arc::new(config), expires, fingerprint: Fingerprint(bytes) })
    }
}

fn unread(path: &Path, what: &str, error: &pem::Error) -> String {
    format!("{}: {what} in PEM was expected: {error}", path.display())
}

fn certificates(
    path: &Path,
    fingerprint: &mut Context,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = files::read(path, Held::Openly)?;
    fingerprint.update(&text);
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| unread(path, "a certificate", &error))?;
    if all.is_empty() {
        return Err(unread(path, "a certificate", &pem::Error::NoItemsFound));
    }
    Ok(all)
}

fn authorities(path: &Path, fingerprint: &mut Context) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for authority in certificates(path, fingerprint)? {
        store.add(authority).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(store)
}

/// When a certificate ends; `None` if it cannot be read.
fn expiry(certificate: &CertificateDer<'_>) -> Option<UnixNanos> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    u64::try_from(end.as_nanos()).ok()
}
