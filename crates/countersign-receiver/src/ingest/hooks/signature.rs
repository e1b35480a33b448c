//! Signatures: whether a delivery comes from whom its source's secret was given to.
//!
//! What is checked is the bytes as they came. Comparisons take the same time wherever the first
//! difference is.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use countersign_core::fact::UnixNanos;
use http::HeaderMap;
use ring::hmac;
use subtle::ConstantTimeEq;

use super::hook::Secret;
use crate::limits::HOOK_STAMP_MS_MAX;
use crate::publish::calendar;

/// One way in which a source proves who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    /// A header holds the secret itself, after this prefix.
    Token {
        /// The header.
        header: &'static str,
        /// What stands before the secret.
        prefix: &'static str,
    },
    /// A header holds a code that only the secret gives.
    Code(Code),
}

/// A code over the body, and over whatever else the scheme mixes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    /// The header that holds it.
    pub(crate) header: &'static str,
    /// What stands before it, e.g. `sha256=`.
    pub(crate) prefix: &'static str,
    /// What stands between several of them, while a secret is being changed.
    pub(crate) separator: Option<char>,
    /// How it is spelt.
    pub(crate) spelling: Spelling,
    /// The hash in it.
    pub(crate) hash: Hash,
    /// What is signed, in order.
    pub(crate) signed: &'static [Part],
    /// The header that says when it was signed, if the scheme has one.
    pub(crate) stamp: Option<Stamp>,
}

/// A part of what is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// The body.
    Body,
    /// A header's value.
    Header(&'static str),
    /// A fixed text.
    Text(&'static str),
}

/// How a code is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// The hash in a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-1, where a vendor has nothing better: sound in an HMAC still.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// A header with the time of signing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stamp {
    /// Unix seconds.
    Seconds(&'static str),
    /// RFC 3339.
    Text(&'static str),
}

/// The scheme of GitHub, and of those who do it alike: hexadecimal HMAC-SHA-256 of the body.
pub(super) const fn body_code(header: &'static str, prefix: &'static str) -> Scheme {
    Scheme::Code(Code {
        header,
        prefix,
        separator: None,
        spelling: Spelling::Hex,
        hash: Hash::Sha256,
        signed: &[Part::Body],
        stamp: None,
    })
}

/// Standard Webhooks: id, time and body, in base64.
pub(super) const STANDARD_WEBHOOKS: Scheme = Scheme::Code(Code {
    header: "webhook-signature",
    prefix: "v1,",
    separator: Some(' '),
    spelling: Spelling::Base64,
    hash: Hash::Sha256,
    signed: &[
        Part::Header("webhook-id"),
        Part::Text("."),
        Part::Header("webhook-timestamp"),
        Part::Text("."),
        Part::Body,
    ],
    stamp: Some(Stamp::Seconds("webhook-timestamp")),
});

/// Whether one of the schemes proves the delivery with one of the secrets.
pub(super) fn proves(
    schemes: &[Scheme],
    secrets: &[Secret],
    headers: &HeaderMap,
    body: &[u8],
    received: UnixNanos,
) -> bool {
    schemes.iter().any(|scheme| match scheme {
        Scheme::Token { header, prefix } => {
            let token = only(headers, header).and_then(|value| value.strip_prefix(prefix));
            token.is_some_and(|token| {
                let is = |secret: &Secret| bool::from(secret.text().ct_eq(token.as_bytes()));
                secrets.iter().any(is)
            })
        }
        Scheme::Code(code) => code.proves(secrets, headers, body, received).unwrap_or(false),
    })
}

/// Whether a time is near enough to now for a delivery that was signed at it.
pub(super) fn is_fresh(signed: UnixNanos, received: UnixNanos) -> bool {
    signed.abs_diff(received) <= HOOK_STAMP_MS_MAX * 1_000_000
}

impl Code {
    /// `None` if a header is missing or cannot be read.
    fn proves(
        &self,
        secrets: &[Secret],
        headers: &HeaderMap,
        body: &[u8],
        received: UnixNanos,
    ) -> Option<bool> {
        let presented = only(headers, self.header)?;
        let signed = match self.stamp {
            Some(Stamp::Seconds(header)) => {
                Some(only(headers, header)?.parse::<u64>().ok()?.checked_mul(1_000_000_000)?)
            }
            Some(Stamp::Text(header)) => Some(calendar::read(only(headers, header)?)?),
            None => None,
        };
        if signed.is_some_and(|signed| !is_fresh(signed, received)) {
            return None;
        }
        let all = match self.separator {
            Some(separator) => presented.split(separator).collect(),
            None => vec![presented],
        };
        let decoded = |text: &str| self.decode(text.trim().strip_prefix(self.prefix)?);
        let presented: Vec<Vec<u8>> = all.into_iter().filter_map(decoded).collect();
        for secret in secrets {
            let right = self.sign(secret, headers, body)?;
            if presented.iter().any(|code| right.as_ref().ct_eq(code).into()) {
                return Some(true);
            }
        }
        Some(false)
    }

    fn sign(&self, secret: &Secret, headers: &HeaderMap, body: &[u8]) -> Option<hmac::Tag> {
        let algorithm = match self.hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, secret.key()));
        for part in self.signed {
            match part {
                Part::Body => context.update(body),
                Part::Header(name) => context.update(only(headers, name)?.as_bytes()),
                Part::Text(text) => context.update(text.as_bytes()),
            }
        }
        Some(context.sign())
    }

    fn decode(&self, text: &str) -> Option<Vec<u8>> {
        match self.spelling {
            Spelling::Base64 => BASE64_STANDARD.decode(text).ok(),
            Spelling::Hex => {
                let digits = text.as_bytes();
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let pair = |pair: &[u8]| match pair {
                    [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
                    _ => None,
                };
                digits.chunks(2).map(pair).collect()
            }
        }
    }
}

/// A header's value, if there is one and no other.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}
