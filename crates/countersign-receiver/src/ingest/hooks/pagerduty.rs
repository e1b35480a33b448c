//! PagerDuty: incidents that are resolved, reopened and escalated.

use countersign_core::fact::SourceKind;

use super::fields::Fields;
use super::signature::{Code, Hash, Part, Scheme, Spelling};
use super::source::{Delivery, Source, Unread};
use super::ticket::{Ticket, Turn};
use super::told::Told;

pub(super) const PAGERDUTY: Source = Source {
    kind: "pagerduty",
    schemes: &[Scheme::Code(Code {
        header: "x-pagerduty-signature",
        prefix: "v1=",
        separator: Some(','),
        spelling: Spelling::Hex,
        hash: Hash::Sha256,
        signed: &[Part::Body],
        stamp: None,
    })],
    delivery: "x-webhook-id",
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    let (id, url) = (body.text("/event/data/id"), body.text("/event/data/html_url"));
    let hook = delivery.hook;
    let actor = body.text("/event/agent/id");
    let by_people = body.text("/event/agent/type").starts_with("user");
    let service = body.text("/event/data/service/id");
    delivery.about(&[service])?;
    let turn = match body.text("/event/event_type") {
        "" => return Err(Unread::Malformed),
        // Whoever is not an agent, where agents are known, finished it in their place.
        "incident.resolved" if by_people && !hook.agents.is_empty() && !hook.is_agent(actor) => {
            Turn::HandedOn
        }
        "incident.resolved" => Turn::Solved,
        "incident.reopened" => Turn::Reopened,
        "incident.escalated" => Turn::HandedOn,
        "incident.reassigned" if !hook.agents.is_empty() => {
            let mut assignees = body.list("/event/data/assignees");
            if assignees.any(|assignee| hook.is_agent(assignee.text("/id"))) {
                return Err(Unread::Ignored);
            }
            Turn::HandedOn
        }
        _ => return Err(Unread::Ignored),
    };
    if id.is_empty() {
        return Err(Unread::Malformed);
    }
    let mut incident = Ticket::at(url, "pagerduty", id);
    let key = body.text("/event/data/incident_key");
    incident.short.extend((!key.is_empty()).then(|| key.to_owned()));
    let is_person = by_people && !hook.is_agent(actor);
    let source = if is_person { SourceKind::Human } else { SourceKind::System };
    let at = (body.text("/event/id"), body.time("/event/occurred_at"));
    incident.tell(turn, at, source, delivery, told);
    Ok(())
}
