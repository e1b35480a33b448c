//! Zendesk: tickets that are solved, reopened and assigned.

use countersign_core::fact::SourceKind;

use super::fields::Fields;
use super::signature::{Code, Hash, Part, Scheme, Spelling, Stamp};
use super::source::{Delivery, Source, Unread};
use super::ticket::{Ticket, Turn};
use super::told::Told;

const STAMP: &str = "x-zendesk-webhook-signature-timestamp";

pub(super) const ZENDESK: Source = Source {
    kind: "zendesk",
    schemes: &[Scheme::Code(Code {
        header: "x-zendesk-webhook-signature",
        prefix: "",
        separator: None,
        spelling: Spelling::Base64,
        hash: Hash::Sha256,
        signed: &[Part::Header(STAMP), Part::Body],
        stamp: Some(Stamp::Text(STAMP)),
    })],
    delivery: "x-zendesk-webhook-invocation-id",
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    let (id, kind) = (body.word("/detail/id"), body.text("/type"));
    if id.is_empty() || kind.is_empty() {
        return Err(Unread::Malformed);
    }
    let account = body.word("/account_id");
    delivery.about(&[&account])?;
    let hook = delivery.hook;
    let (previous, current) = (body.word("/event/previous"), body.word("/event/current"));
    let turn = match kind {
        "zen:event-type:ticket.status_changed" => match (&*previous, &*current) {
            ("SOLVED", "CLOSED") => return Err(Unread::Ignored),
            (_, "SOLVED" | "CLOSED") => {
                let by_agent = ["/detail/actor_id", "/detail/assignee_id", "/detail/group_id"]
                    .iter()
                    .any(|place| hook.is_agent(&body.word(place)));
                if hook.agents.is_empty() || by_agent { Turn::Solved } else { Turn::HandedOn }
            }
            ("SOLVED" | "CLOSED", _) => Turn::Reopened,
            _ => return Err(Unread::Ignored),
        },
        "zen:event-type:ticket.agent_assignment_changed"
        | "zen:event-type:ticket.group_assignment_changed"
            if hook.is_agent(&previous) && !hook.is_agent(&current) =>
        {
            Turn::HandedOn
        }
        _ => return Err(Unread::Ignored),
    };
    let at = (body.text("/time"), body.time("/time"));
    Ticket::of("zendesk", &id).tell(turn, at, SourceKind::System, delivery, told);
    Ok(())
}
