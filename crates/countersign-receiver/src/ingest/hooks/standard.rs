//! Standard Webhooks and CloudEvents: envelopes of anybody. What they carry is a verdict, or
//! several, as `POST /v1/verdicts` takes them; or what the configuration maps.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::signature::{STANDARD_WEBHOOKS, Scheme, body_code};
use super::source::{Delivery, Source, Unread};
use super::told::Told;
use crate::ingest::verdicts;

pub(super) const STANDARD: Source = Source {
    kind: "standard_webhooks",
    schemes: &[STANDARD_WEBHOOKS],
    delivery: "webhook-id",
    read,
    ..Source::PLAIN
};

pub(super) const CLOUDEVENTS: Source = Source {
    kind: "cloudevents",
    // The format says nothing of proof: any of the usual ones will do.
    schemes: &[
        STANDARD_WEBHOOKS,
        body_code("x-hub-signature-256", "sha256="),
        Scheme::Token { header: "authorization", prefix: "Bearer " },
    ],
    delivery: "ce-id",
    read,
    ..Source::PLAIN
};

/// Any signed JSON, by the configuration's mapping.
pub(super) const JSON: Source = Source {
    kind: "json",
    schemes: &[
        STANDARD_WEBHOOKS,
        body_code("x-hub-signature-256", "sha256="),
        body_code("x-signature-256", "sha256="),
        body_code("x-signature", ""),
        Scheme::Token { header: "authorization", prefix: "Bearer " },
    ],
    needs_mapping: true,
    ..Source::PLAIN
};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let in_headers = !delivery.header("ce-specversion").is_empty();
    let (id, data): (Option<Cow<'_, str>>, &RawValue) = match in_headers {
        true => (None, delivery.json()?),
        false => {
            let envelope: Envelope<'_> = delivery.json()?;
            (envelope.id, envelope.data)
        }
    };
    let id = id.unwrap_or(Cow::Borrowed(delivery.id()));
    let one = [data];
    let many: Vec<&RawValue> = match data.get().starts_with('[') {
        true => serde_json::from_str(data.get()).map_err(|_| Unread::Malformed)?,
        false => one.to_vec(),
    };
    for (number, verdict) in many.into_iter().enumerate() {
        let taken = verdicts::read_one(verdict, delivery.received, &mut |mut given| {
            if given.system.is_empty() {
                given.system = delivery.hook.source.kind;
            }
            let mut fact = given.verdict(delivery.received);
            if given.id.is_empty() && !id.is_empty() {
                fact.id = told.id(&[&delivery.hook.name, &id, &number.to_string()]);
            }
            told.fact(fact);
        });
        taken.map_err(|_| Unread::Malformed)?;
    }
    Ok(())
}
