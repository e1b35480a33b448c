//! Numbers as people read them: money, shares, durations, counts.

use countersign_core::money::Money;

/// Dollars and cents; below ten cents two digits that say something: `$0.0042`.
pub(super) fn money(amount: Money) -> String {
    let sign = if amount.pico() < 0 { "-" } else { "" };
    let pico = amount.pico().unsigned_abs();
    let dollar = Money::DOLLAR.pico().unsigned_abs();
    // Digits after the point: two, or as many as the second digit of a small amount needs.
    let mut digits = 2;
    let mut smallest = dollar / 10;
    while pico != 0 && pico < smallest && digits < 12 {
        digits += 1;
        smallest /= 10;
    }
    let unit = dollar / 10_u128.pow(digits);
    let rounded = (pico + unit / 2) / unit;
    let (whole, fraction) = (rounded / 10_u128.pow(digits), rounded % 10_u128.pow(digits));
    let width = digits as usize;
    format!("{sign}${}.{fraction:0width$}", grouped(whole))
}

/// An amount of money, or a dash.
pub(super) fn money_or_dash(amount: Option<Money>) -> String {
    amount.map_or_else(dash, money)
}

/// A count with separators.
pub(super) fn count(count: u64) -> String {
    grouped(count.into())
}

/// A count in three digits and a letter: `1.25 M`.
pub(super) fn short_count(count: u64) -> String {
    let (unit, letter) = match count {
        0..10_000 => return grouped(count.into()),
        10_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "M"),
        _ => (1_000_000_000, "G"),
    };
    let hundredths = count / (unit / 100);
    let (whole, fraction) = (hundredths / 100, hundredths % 100);
    match whole {
        0..10 => format!("{whole}.{fraction:02}\u{202f}{letter}"),
        10..100 => format!("{whole}.{}\u{202f}{letter}", fraction / 10),
        _ => format!("{}\u{202f}{letter}", grouped(whole.into())),
    }
}

/// A credit of outcomes: whole, or with one digit where models share it.
pub(super) fn credit(number: f64) -> String {
    if (number - number.round()).abs() < 1e-9 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// A share as a percentage, or a dash.
pub(super) fn share(share: Option<f64>) -> String {
    match share {
        None => dash(),
        Some(share) if share >= 1.0 => "100\u{202f}%".into(),
        // What is not all of it is never shown as all of it.
        Some(share) => format!("{:.1}\u{202f}%", (share * 100.0).min(99.9)),
    }
}

/// Seconds in the unit that suits them, or a dash.
pub(super) fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return dash() };
    match seconds {
        s if s < 0.9995 => format!("{:.0}\u{202f}ms", s * 1_000.0),
        s if s < 10.0 => format!("{s:.1}\u{202f}s"),
        s if s < 90.0 => format!("{s:.0}\u{202f}s"),
        s if s < 5_400.0 => format!("{:.0}\u{202f}min", s / 60.0),
        s if s < 172_800.0 => format!("{}\u{202f}h", tenths(s / 3_600.0)),
        s => format!("{}\u{202f}d", tenths(s / 86_400.0)),
    }
}

/// One digit after the point, unless it is zero.
fn tenths(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// `1 task`, `2 tasks`.
pub(super) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// A name, or a word for its absence.
pub(super) fn name_or<'a>(name: &'a str, absent: &'a str) -> &'a str {
    if name.is_empty() { absent } else { name }
}

fn dash() -> String {
    "–".into()
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_shows_cents_and_small_amounts_their_first_two_digits() {
        let shown = |pico| money(Money::from_pico(pico));
        assert_eq!(shown(0), "$0.00");
        assert_eq!(shown(2_400_000_000_000), "$2.40");
        assert_eq!(shown(1_234_567_891_000_000_000), "$1,234,567.89");
        assert_eq!(shown(999_999_000_000), "$1.00");
        assert_eq!(shown(150_000_000_000), "$0.15");
        assert_eq!(shown(4_230_000_000), "$0.0042");
        assert_eq!(shown(99_900_000_000), "$0.100");
        assert_eq!(shown(1), "$0.000000000001");
        assert_eq!(shown(-2_400_000_000_000), "-$2.40");
    }

    #[test]
    fn shares_are_all_only_when_they_are() {
        assert_eq!(share(Some(0.99999)), "99.9\u{202f}%");
        assert_eq!(share(Some(1.0)), "100\u{202f}%");
        assert_eq!(share(Some(0.5556)), "55.6\u{202f}%");
        assert_eq!(share(None), "–");
    }

    #[test]
    fn durations_and_counts_are_short() {
        let shown = [0.25, 0.9999, 2.34, 61.0, 600.0, 7_200.0, 864_000.0]
            .map(|seconds| duration(Some(seconds)).replace('\u{202f}', " "));
        assert_eq!(shown, ["250 ms", "1.0 s", "2.3 s", "61 s", "10 min", "2 h", "10 d"]);
        let shown = [0, 9_999, 12_345, 1_254_000, 999_999_999, 2_000_000_000]
            .map(|number| short_count(number).replace('\u{202f}', " "));
        assert_eq!(shown, ["0", "9,999", "12.3 k", "1.25 M", "999 M", "2.00 G"]);
        assert_eq!(plural(1, "task"), "1 task");
        assert_eq!(plural(1_000, "task"), "1,000 tasks");
    }
}
