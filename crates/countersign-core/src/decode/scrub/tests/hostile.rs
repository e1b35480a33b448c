//! Bytes that nobody meant: they are refused or scrubbed, and never break the scrubber.

use super::*;

/// A small generator of numbers that look random: the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

#[test]
fn mutated_captures_never_panic_and_leave_the_output_whole() {
    let mut dice = Dice(7);
    let mut refused = 0;
    let mut taken = 0;
    for (path, signal, bytes) in captures() {
        for _ in 0..8 {
            let mut bytes = bytes.clone();
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(bytes.len());
                match dice.roll(4) {
                    0 => bytes[at] = u8::try_from(dice.roll(256)).unwrap(),
                    1 => bytes[at] ^= 1 << dice.roll(8),
                    2 => bytes.truncate(at.max(1)),
                    _ => {
                        bytes.remove(at);
                        bytes.push(0x80);
                    }
                }
            }
            let mut out = vec![1, 2, 3];
            let mut scrubber = Scrubber::new("here");
            match scrubber.scrub(signal, &bytes, Scrub::Standard, &[], &mut out) {
                Ok(_) => {
                    taken += 1;
                    let first = out.split_off(3);
                    let second = scrubbed(signal, &first, Scrub::Standard);
                    assert_eq!(first, second, "{path:?}: not the same twice");
                }
                Err(_) => refused += 1,
            }
            assert_eq!(out, [1, 2, 3]);
        }
    }
    assert!(refused > 100 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn unknown_fields_pass_only_as_numbers() {
    use crate::decode::wire::{put_bytes, put_varint};
    let mut span = Vec::new();
    put_bytes(&mut span, 99, b"SECRET-1");
    put_varint(&mut span, 98 << 3);
    put_varint(&mut span, 5);
    let mut scope = Vec::new();
    put_bytes(&mut scope, 2, &span);
    put_bytes(&mut scope, 77, b"SECRET-2");
    let mut resource = Vec::new();
    put_bytes(&mut resource, 2, &scope);
    put_bytes(&mut resource, 1000, b"SECRET-3");
    let mut request = Vec::new();
    put_bytes(&mut request, 1, &resource);
    put_bytes(&mut request, 9, b"SECRET-4");
    for mode in [Scrub::Standard, Scrub::Strict] {
        let out = scrubbed(Signal::Traces, &request, mode);
        assert!(!holds(&out, "SECRET-"));
        assert!(holds(&out, "\u{90}\u{6}\u{5}") || out.windows(3).any(|w| w == [0x90, 6, 5]));
    }
}

#[test]
fn deep_values_do_not_pass() {
    use crate::decode::wire::put_bytes;
    let mut value = Vec::new();
    put_bytes(&mut value, 1, b"x");
    for _ in 0..40 {
        let mut list = Vec::new();
        put_bytes(&mut list, 1, &value);
        value.clear();
        put_bytes(&mut value, 5, &list);
    }
    let mut pair = Vec::new();
    put_bytes(&mut pair, 1, b"deep");
    put_bytes(&mut pair, 2, &value);
    let mut bytes = Vec::new();
    put_bytes(&mut bytes, 9, &pair);
    for number in [2, 2, 1] {
        let inner = core::mem::take(&mut bytes);
        put_bytes(&mut bytes, number, &inner);
    }
    let out = scrubbed(Signal::Traces, &bytes, Scrub::Standard);
    assert!(!holds(&out, "deep"));
}
