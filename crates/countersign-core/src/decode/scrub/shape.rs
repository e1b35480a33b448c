//! Shape: what a text may look like so that it can be an identity and cannot be a sentence.

use crate::limits;
use crate::names;

/// Most words of a display name; a longer one is prose.
const NAME_WORDS_MAX: usize = 8;
/// Longest identifier that is believed to be one, in bytes.
const WORD_BYTES_MAX: usize = 128;
/// Longest part of an identifier, between its dots: longer ones are keys and hashes.
const WORD_PART_BYTES_MAX: usize = 48;
/// Longest JSON of token counts, in bytes. It is never cut, since half of it means nothing.
const COUNTS_BYTES_MAX: usize = 1_024;

/// An id: printable ASCII without blanks or braces that is no e-mail address, cut.
pub(super) fn id(text: &[u8]) -> Option<&[u8]> {
    let text = text.get(..limits::RELAYED_TEXT_BYTES_MAX).unwrap_or(text);
    // Without branches, so that the compiler looks at many bytes at a time.
    let refused = text.iter().fold(false, |refused, byte| {
        refused | (byte.wrapping_sub(0x21) > 0x5d) | (*byte == b'{') | (*byte == b'}')
    });
    let mailbox = text.iter().fold(false, |mailbox, byte| mailbox | (*byte == b'@'));
    (!(refused || mailbox && names_a_mailbox(text))).then_some(text)
}

/// A link: an id that may name a user before a host (`git@…`) but carries no password.
pub(super) fn link(text: &[u8]) -> Option<&[u8]> {
    let text = text.get(..limits::RELAYED_TEXT_BYTES_MAX).unwrap_or(text);
    let plain = text.iter().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'{' | b'}'));
    let scheme = text.windows(3).position(|three| three == b"://");
    let authority = scheme.and_then(|at| text.get(at + 3..)).unwrap_or_default();
    let authority = authority.split(|byte| *byte == b'/').next().unwrap_or_default();
    (plain && !authority.contains(&b'@')).then_some(text)
}

/// A link without its query and fragment, where secrets travel.
pub(super) fn place(text: &[u8]) -> Option<&[u8]> {
    link(text.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default())
}

/// A display name: a few words on one line, cut.
pub(super) fn name(text: &[u8]) -> Option<&[u8]> {
    let text = core::str::from_utf8(text).ok()?;
    let text = names::cut(text, limits::RELAYED_TEXT_BYTES_MAX);
    let refused = text.bytes().fold(false, |refused, byte| {
        refused | (byte < 0x20) | (byte == 0x7f) | (byte == b'{') | (byte == b'}') | (byte == b'"')
    });
    let words = 1 + text.bytes().filter(|byte| *byte == b' ').count();
    let mailbox = text.bytes().fold(false, |mailbox, byte| mailbox | (byte == b'@'));
    if refused || words > NAME_WORDS_MAX || mailbox && names_a_mailbox(text.as_bytes()) {
        return None;
    }
    Some(text.as_bytes())
}

/// `someone@example.org`, anywhere in the text.
fn names_a_mailbox(text: &[u8]) -> bool {
    text.split(|byte| *byte == b' ').any(|word| {
        let mut parts = word.splitn(2, |byte| *byte == b'@');
        let user = parts.next().unwrap_or_default();
        let host = parts.next().unwrap_or_default();
        !user.is_empty() && host.contains(&b'.')
    })
}

/// An identifier as programs write them: `gen_ai.choice`, `State.reload`, `agent-loop`,
/// `codex_otel::metrics`. Each part is either an identifier of a language or lower-case kebab.
pub(super) fn is_word(text: &[u8]) -> bool {
    if text.is_empty() || text.len() > WORD_BYTES_MAX {
        return false;
    }
    let plain = text.iter().fold(true, |plain, byte| {
        plain & (byte.is_ascii_lowercase() | (*byte == b'_') | (*byte == b'.'))
    });
    if plain && text.len() <= WORD_PART_BYTES_MAX && text.first() != Some(&b'.') {
        return true;
    }
    let mut parts = text.split(|byte| matches!(byte, b'.' | b'/' | b':' | b'(' | b')' | b'@'));
    text.first().is_some_and(|first| first.is_ascii_alphanumeric() || b"_@/".contains(first))
        && parts.all(is_word_part)
}

fn is_word_part(part: &[u8]) -> bool {
    if part.len() > WORD_PART_BYTES_MAX {
        return false;
    }
    let kebab = part.contains(&b'-');
    part.iter().all(|byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'_' => true,
        b'A'..=b'Z' => !kebab,
        b'-' => true,
        _ => false,
    })
}

/// Identifier, or [`None`].
pub(super) fn word(text: &[u8]) -> Option<&[u8]> {
    is_word(text).then_some(text)
}

/// A number that came as text (`1100`, `0.25`, `1e-3`, `true`, `None`).
pub(super) fn number(text: &[u8]) -> Option<&[u8]> {
    const CONSTANTS: [&[u8]; 8] =
        [b"true", b"false", b"True", b"False", b"None", b"null", b"Infinity", b"NaN"];
    let digits = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e'));
    let starts = text.iter().any(u8::is_ascii_digit);
    (text.len() <= 32 && (digits && starts || CONSTANTS.contains(&text))).then_some(text)
}

/// Finish reasons and the like: an identifier, or a list of them as JSON.
pub(super) fn reasons(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
    let mut members = inner.split(|byte| *byte == b',');
    let member = |member: &[u8]| is_word(unquoted(member.trim_ascii()));
    (text.len() <= limits::RELAYED_TEXT_BYTES_MAX && (inner.is_empty() || members.all(member)))
        .then_some(text)
}

/// An identifier that an emitter may have put in quotation marks, as JSON.
pub(super) fn unquoted(text: &[u8]) -> &[u8] {
    let bare = |mark: &[u8]| text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
    bare(b"\"").or_else(|| bare(b"'")).unwrap_or(text)
}

/// Token counts and costs as JSON, as Python prints them, or as `name=number`: every word in it
/// must be one that counts are named with.
pub(super) fn counts(text: &[u8]) -> Option<&[u8]> {
    if text.len() > COUNTS_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let words = Words::of(text);
    let punctuation =
        text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"{}[]()'\"=:,._+- ".contains(byte));
    (punctuation && words.into_iter().all(is_count_word)).then_some(text)
}

fn is_count_word(word: &[u8]) -> bool {
    let mut lower = [0_u8; 16];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    COUNT_WORDS.binary_search(&core::str::from_utf8(lower).unwrap_or_default()).is_ok()
}

/// Sorted. Single letters stand in exponents and in `5m`, `1h`.
#[rustfmt::skip]
const COUNT_WORDS: &[&str] = &[
    "accepted", "amount", "audio", "cache", "cached", "calls", "candidates", "character", "class",
    "completion", "content", "cost", "count", "creation", "default", "details", "discount", "e",
    "ephemeral", "false", "fetch", "geo", "h", "hit", "hour", "image", "inference", "input",
    "internal", "length", "m", "minute", "miss", "modality", "n", "noncached", "none", "null",
    "num", "number", "output", "over", "per", "prediction", "priority", "prompt", "read",
    "reasoning", "rejected", "request", "requests", "search", "second", "seconds", "server",
    "service", "speed", "standard", "successful", "text", "thinking", "thoughts", "tier", "token",
    "tokens", "tool", "total", "true", "usage", "usd", "use", "used", "video", "web", "wrapper",
    "write",
];

/// The words of a key or of a text: runs of letters, split where lower case meets upper case.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    /// The words of this text.
    pub(super) fn of(text: &'a [u8]) -> Words<'a> {
        Words { rest: text }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let from = self.rest.iter().position(u8::is_ascii_alphabetic)?;
        let text = self.rest.get(from..)?;
        let mut before_lower = false;
        let end = text.iter().position(|byte| {
            let border = !byte.is_ascii_alphabetic() || before_lower && byte.is_ascii_uppercase();
            before_lower = byte.is_ascii_lowercase();
            border
        });
        let (word, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
        self.rest = rest;
        Some(word)
    }
}

/// A W3C trace state: `vendor=value` members without blanks, within its limit.
pub(super) fn trace_state(text: &[u8]) -> bool {
    let member = |member: &[u8]| {
        let member = member.trim_ascii();
        let mut parts = member.splitn(2, |byte| *byte == b'=');
        let vendor = parts.next().unwrap_or_default();
        let lower = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
        !vendor.is_empty()
            && vendor.iter().all(lower)
            && parts.next().is_some_and(|value| value.iter().all(u8::is_ascii_graphic))
    };
    text.len() <= limits::TRACE_STATE_BYTES_MAX && text.split(|byte| *byte == b',').all(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_words_are_sorted() {
        assert!(COUNT_WORDS.is_sorted());
    }

    #[test]
    fn identities_pass_and_sentences_do_not() {
        for text in ["gpt-4o", "@cf/meta/llama-3.1", "claude@20241022", "a#b:c"] {
            assert!(id(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["two words", "{\"a\":1}", "bob@example.org", "größe"] {
            assert!(id(text.as_bytes()).is_none(), "{text}");
        }
        for text in ["gen_ai.choice", "State.reload", "agent-loop", "a::b", "LM.__call__", "@a/b"] {
            assert!(is_word(text.as_bytes()), "{text}");
        }
        for text in ["SECRET-X", "hello there", "", "what?", "ask-Bob"] {
            assert!(!is_word(text.as_bytes()), "{text}");
        }
        assert_eq!(name(b"Weather Reporter"), Some(&b"Weather Reporter"[..]));
        assert_eq!(name(b"a\nb"), None);
        assert_eq!(name(b"please tell me what the weather is like in Paris"), None);
        assert_eq!(name(b"Bob bob@example.org"), None);
    }

    #[test]
    fn counts_are_words_of_counting_and_numbers() {
        for text in [
            "{\"input_tokens\": 1400, \"output_tokens\": 54}",
            "total_tokens=2403 prompt_tokens=2300",
            "{'completion_tokens_details': None, 'cachedInputTokens': 5}",
        ] {
            assert!(counts(text.as_bytes()).is_some(), "{text}");
        }
        assert!(counts(b"{\"input\": \"Bob\"}").is_none());
    }

    #[test]
    fn links_carry_no_password_and_places_no_query() {
        assert!(link(b"https://git.example/o/r/pull/7").is_some());
        assert!(link(b"git@git.example:o/r").is_some());
        assert!(link(b"https://me:pw@git.example/o/r").is_none());
        assert_eq!(place(b"http://a/b?token=1"), Some(&b"http://a/b"[..]));
    }

    #[test]
    fn trace_states_are_lists_of_members() {
        assert!(trace_state(b"ot=th:8,vendor@x=1"));
        assert!(!trace_state(b"free text"));
        assert!(!trace_state(b"a=free text"));
    }
}
