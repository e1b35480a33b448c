//! Credentials: a secret's digest, the tenant that it stands for, and what it may be used for.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;

use super::secret::Digest;

/// One thing that a credential can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send traces, logs and metrics.
    WriteTelemetry,
    /// Say what became of tasks.
    WriteVerdicts,
    /// Read the tenant's own figures.
    ReadOutcomes,
    /// Read everybody's figures, and how the program fares.
    Operate,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 4] =
        [Scope::WriteTelemetry, Scope::WriteVerdicts, Scope::ReadOutcomes, Scope::Operate];

    /// Its word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::WriteTelemetry => "write_telemetry",
            Scope::WriteVerdicts => "write_verdicts",
            Scope::ReadOutcomes => "read_outcomes",
            Scope::Operate => "operate",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Every one.
    pub const ALL: Scopes = Scopes(0b1111);

    /// Whether this one is among them. Whoever operates may read.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        let also = match scope {
            Scope::ReadOutcomes => Scope::Operate.bit(),
            Scope::WriteTelemetry | Scope::WriteVerdicts | Scope::Operate => 0,
        };
        self.0 & (scope.bit() | also) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Scope::ALL.into_iter().filter(|scope| self.0 & scope.bit() != 0);
        let words: Vec<_> = words.map(Scope::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

/// One credential of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What it is called there, and the user's name where it comes as one with a password.
    pub name: String,
    /// Whose numbers it touches.
    pub tenant: String,
    /// Of its secret.
    pub digest: Digest,
    /// What it may be used for.
    pub scopes: Scopes,
}

/// What a request presents.
pub(super) struct Presented {
    name: Option<String>,
    digest: Digest,
}

impl Presented {
    /// Reads `Authorization`: `Bearer SECRET`, or `Basic` with a name and the secret. `None` if
    /// there is nothing of the kind, or more than one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Presented> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let value = all.next().filter(|_| all.next().is_none())?;
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Presented { name: None, digest: Digest::of(rest.as_bytes()) });
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = zeroize::Zeroizing::new(BASE64_STANDARD.decode(rest).ok()?);
        let colon = pair.iter().position(|byte| *byte == b':')?;
        let (name, secret) = pair.split_at(colon);
        let name = String::from_utf8(name.to_vec()).ok()?;
        Some(Presented { name: Some(name), digest: Digest::of(secret.get(1..)?) })
    }

    /// Whether it is this credential. It takes as long whatever the secret is.
    pub(super) fn is(&self, credential: &Credential) -> bool {
        let same = bool::from(self.digest.ct_eq(&credential.digest));
        same && self.name.as_ref().is_none_or(|name| *name == credential.name)
    }
}

/// What a request without a good credential is told to bring.
pub const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"countersign\""),
    HeaderValue::from_static("Basic realm=\"countersign\", charset=\"UTF-8\""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(value: &str) -> Option<Presented> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        Presented::of(&headers)
    }

    fn credential() -> Credential {
        Credential {
            name: "agents".into(),
            tenant: "acme".into(),
            digest: Digest::of(b"secret:with a colon"),
            scopes: [Scope::WriteTelemetry].into_iter().collect(),
        }
    }

    #[test]
    fn a_secret_comes_as_a_token_or_as_a_password() {
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        let is = |value: &str| presented(value).is_some_and(|it| it.is(&credential()));
        assert!(is("Bearer secret:with a colon"));
        assert!(is("bearer  secret:with a colon"));
        assert!(is(&basic("agents:secret:with a colon")));
        for wrong in [
            "Bearer secret",
            "Bearer",
            "secret:with a colon",
            "Digest secret:with a colon",
            "Basic secret:with a colon",
            &basic("others:secret:with a colon"),
            &basic("secret:with a colon"),
            &basic("agents"),
        ] {
            assert!(!is(wrong), "{wrong}");
        }
    }

    #[test]
    fn two_answers_to_one_question_are_none() {
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            headers.append(header::AUTHORIZATION, "Bearer x".parse().unwrap());
        }
        assert!(Presented::of(&headers).is_none());
    }

    #[test]
    fn who_operates_may_read() {
        let operator: Scopes = [Scope::Operate].into_iter().collect();
        assert!(operator.allow(Scope::ReadOutcomes));
        assert!(!operator.allow(Scope::WriteVerdicts));
        let reader: Scopes = [Scope::ReadOutcomes].into_iter().collect();
        assert!(!reader.allow(Scope::Operate));
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::ALL.allow(scope)));
    }
}
