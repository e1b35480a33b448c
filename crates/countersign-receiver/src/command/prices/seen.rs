//! `countersign prices seen`: how the prices on file fit the calls that a server has seen.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::table;
use crate::command::client;

/// Asks a server's operator port.
pub(super) fn ask(operator: &str) -> Result<String> {
    let asks = client::client()?;
    let unpriced = client::get(&asks, operator, "/api/v1/unpriced", &[])?;
    let reported = client::get(&asks, operator, "/api/v1/reported", &[])?;
    Ok(shown(models(&unpriced)?, models(&reported)?))
}

fn models(answer: &Value) -> Result<&[Value]> {
    let models = answer.get("models").and_then(Value::as_array);
    Ok(models.context("the answer has no models: is this the operator port?")?)
}

fn shown(unpriced: &[Value], reported: &[Value]) -> String {
    let mut text = if unpriced.is_empty() {
        "Every model that was seen has a price.\n".to_owned()
    } else {
        columns(["CALLS", "MODEL WITHOUT PRICE"], ["calls", "model"], unpriced)
    };
    text.push('\n');
    if reported.is_empty() {
        return text + "No call came with a cost of its own.\n";
    }
    text += &columns(
        ["CALLS", "REPORTED", "LISTED", "DIFFERENCE", "UNLISTED CALLS", "MODEL WITH REPORTED COST"],
        ["calls", "reported_usd", "listed_usd", "difference_usd", "unlisted_calls", "model"],
        reported,
    );
    text += "\nReported cost is booked. Listed is what the prices on file come to, in dollars;\n\
             unlisted calls have a reported cost and no price on file, and are not compared.\n";
    text
}

fn columns<const N: usize>(headers: [&str; N], keys: [&str; N], models: &[Value]) -> String {
    let cell = |model: &Value, key: &str| match model.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    };
    let rows = models.iter().map(|model| keys.map(|key| cell(model, key)));
    table(&[headers.map(str::to_owned)].into_iter().chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_what_has_no_price_and_what_is_reported() {
        let unpriced = json!({"calls": 32, "models": [
            {"model": "capture-litellm", "calls": 31}, {"model": "rare", "calls": 1},
        ]});
        let reported = json!({"models": [{
            "model": "gpt-4o-mini", "calls": 2, "reported_usd": "0.0004", "listed_usd": "0.00033",
            "difference_usd": "0.00007", "unlisted_calls": 0,
        }]});
        expect![[r#"
            CALLS  MODEL WITHOUT PRICE
            31     capture-litellm
            1      rare

            CALLS  REPORTED  LISTED   DIFFERENCE  UNLISTED CALLS  MODEL WITH REPORTED COST
            2      0.0004    0.00033  0.00007     0               gpt-4o-mini

            Reported cost is booked. Listed is what the prices on file come to, in dollars;
            unlisted calls have a reported cost and no price on file, and are not compared.
        "#]]
        .assert_eq(&shown(models(&unpriced).unwrap(), models(&reported).unwrap()));
        expect![[r#"
            Every model that was seen has a price.

            No call came with a cost of its own.
        "#]]
        .assert_eq(&shown(&[], &[]));
        assert!(models(&json!({})).is_err());
    }
}
