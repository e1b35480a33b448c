//! Memory: what was decided about the attributes of a request so far. Neighbouring spans mostly
//! say the same: what was decided once holds for the same bytes again.

use super::attributes::{self, Policy, Ruled};
use super::keys::Rule;
use crate::decode::path::Path;
use crate::decode::wire::Malformed;

/// What was decided about one key under one policy.
#[derive(Debug, Default)]
struct Ruling<'r> {
    /// What the allow-list says of the key, once it was asked.
    rule: Option<Option<Rule>>,
    /// The last attribute with the key, and what was decided about it. No attribute is out.
    bytes: &'r [u8],
    ruled: Ruled<'r>,
}

/// What was decided, by policy.
pub(super) struct Memory<'r> {
    allowed: Path<'r, Ruling<'r>>,
    tolerated: Path<'r, Ruling<'r>>,
}

impl<'r> Memory<'r> {
    pub(super) fn new() -> Memory<'r> {
        Memory { allowed: Path::new(), tolerated: Path::new() }
    }

    /// Starts another record.
    #[inline]
    pub(super) fn enter(&mut self) {
        self.allowed.enter();
        self.tolerated.enter();
    }

    /// Decides about an attribute; see [`attributes::judge`]. `key` is its key.
    #[inline]
    pub(super) fn judge(
        &mut self,
        key: &'r [u8],
        bytes: &'r [u8],
        policy: Policy<'_>,
    ) -> Result<Ruled<'r>, Malformed> {
        let path = match policy {
            Policy::AllowList(_) => &mut self.allowed,
            Policy::DenyList => &mut self.tolerated,
        };
        let Some(ruling) = path.step(key, |_| Ruling::default()) else {
            return attributes::judge(bytes, policy);
        };
        if ruling.bytes != bytes {
            ruling.ruled = ruling.decide(bytes, policy)?;
            ruling.bytes = bytes;
        }
        Ok(ruling.ruled)
    }
}

impl<'r> Ruling<'r> {
    fn decide(&mut self, bytes: &'r [u8], policy: Policy<'_>) -> Result<Ruled<'r>, Malformed> {
        let Policy::AllowList(named) = policy else { return attributes::judge(bytes, policy) };
        let attribute = attributes::parse(bytes)?;
        if !attribute.plain {
            return Ok(Ruled::Out);
        }
        let rule = self.rule.get_or_insert_with(|| attributes::rule_of(attribute.key, named));
        attributes::allow(attribute, *rule)
    }
}
