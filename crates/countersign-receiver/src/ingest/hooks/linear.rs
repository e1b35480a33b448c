//! Linear: issues that are completed, cancelled, reopened and assigned.

use countersign_core::fact::SourceKind;
use http::StatusCode;

use super::fields::Fields;
use super::signature::{body_code, is_fresh};
use super::source::{Delivery, Source, Unread};
use super::ticket::{Ticket, Turn};
use super::told::Told;

pub(super) const LINEAR: Source = Source {
    kind: "linear",
    schemes: &[body_code("linear-signature", "")],
    delivery: "linear-delivery",
    // It takes anything but 200 for a failure, and stops sending after some.
    ignored: StatusCode::OK,
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    let signed = body.time("/webhookTimestamp").ok_or(Unread::Malformed)?;
    if !is_fresh(signed, delivery.received) {
        return Err(Unread::Unknown);
    }
    let team = body.text("/data/team/key");
    delivery.about(&[team])?;
    if (body.text("/type"), body.text("/action")) != ("Issue", "update") {
        return Err(Unread::Ignored);
    }
    let key = body.text("/data/identifier");
    if key.is_empty() {
        return Err(Unread::Malformed);
    }
    let hook = delivery.hook;
    let moved = body.has("/updatedFrom/stateId");
    let assigned = hook.is_agent(body.text("/updatedFrom/assigneeId"))
        && !hook.is_agent(body.text("/data/assigneeId"));
    let turn = match body.text("/data/state/type") {
        "completed" if moved => Turn::Solved,
        "canceled" | "duplicate" if moved => Turn::Dropped,
        _ if moved && body.has("/updatedFrom/completedAt") => Turn::Reopened,
        _ if assigned => Turn::HandedOn,
        _ => return Err(Unread::Ignored),
    };
    let url = [body.text("/data/url"), body.text("/url")];
    let url = url.into_iter().find(|url| !url.is_empty()).unwrap_or_default();
    let by_person =
        matches!(body.text("/actor/type"), "" | "user") && !hook.is_agent(body.text("/actor/id"));
    let source = if by_person { SourceKind::Human } else { SourceKind::System };
    let at = (body.text("/data/updatedAt"), body.time("/data/updatedAt"));
    Ticket::at(url, "linear", key).tell(turn, at, source, delivery, told);
    Ok(())
}
