//! Secrets: what is kept of them, and how new ones are made.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// A secret in plain text: it cannot be printed, compared or copied, and is wiped when dropped.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Fewest bytes of a secret, so that it is no word that a person thought of. Those that
/// [`Secret::random`] makes have 46.
pub const SECRET_BYTES_MIN: usize = 32;
/// How our secrets begin, so that a scanner of source code finds those that were published.
const PREFIX: &str = "cs_";

impl Secret {
    /// A secret out of a file or the environment; a line's end is no part of it.
    ///
    /// # Errors
    /// What to do about one that is too short.
    pub fn given(bytes: Vec<u8>) -> Result<Secret, String> {
        let mut bytes = Zeroizing::new(bytes);
        let kept = bytes.trim_ascii_end().len();
        bytes.truncate(kept);
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(format!(
                "the secret is shorter than {SECRET_BYTES_MIN} bytes: make one with `countersign \
                 token NAME`"
            ));
        }
        Ok(Secret(bytes))
    }

    /// A new one of 256 random bits.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn random() -> Result<Secret, String> {
        let mut bits = Zeroizing::new([0_u8; 32]);
        let random = SystemRandom::new();
        random.fill(&mut *bits).map_err(|_| "the system gives no random numbers".to_owned())?;
        let text = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(*bits));
        Ok(Secret(Zeroizing::new(text.into_bytes())))
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Its text, to show it once to whom it is made for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a secret that somebody presents.
    #[must_use]
    pub fn of(secret: &[u8]) -> Digest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, secret).as_ref());
        Digest(bytes)
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = digits else { return None };
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(16 * digit(high)? + digit(low)?).ok()?;
        }
        Some(Digest(bytes))
    }

    /// As hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Digest) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Digest) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256() {
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_hex(), of_abc);
        let parsed = Digest::parse(&of_abc.to_uppercase()).unwrap();
        assert!(bool::from(parsed.ct_eq(&Digest::of(b"abc"))));
        assert!(!bool::from(parsed.ct_eq(&Digest::of(b"abd"))));
        for wrong in ["", "ba78", &of_abc.replace('b', "x"), &format!("{of_abc}00")] {
            assert!(Digest::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{parsed:?}"), "Digest(..)");
    }

    #[test]
    fn random_secrets_are_long_enough_and_differ() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        let again = Secret::given(format!("{}\n", one.reveal()).into_bytes()).unwrap();
        assert!(bool::from(again.digest().ct_eq(&one.digest())));
        assert!(Secret::given(b"correct horse battery\n".to_vec()).is_err());
    }
}
