//! Slack: buttons under a message. The button says what, its value names the task.

use countersign_core::fact::{Basis, Judgement, SourceKind};
use http::StatusCode;

use super::fields::Fields;
use super::signature::{Code, Hash, Part, Scheme, Spelling, Stamp};
use super::source::{Delivery, Source, Unread};
use super::told::{Said, Told, is_name};

const STAMP: &str = "x-slack-request-timestamp";

pub(super) const SLACK: Source = Source {
    kind: "slack",
    schemes: &[Scheme::Code(Code {
        header: "x-slack-signature",
        prefix: "v0=",
        separator: None,
        spelling: Spelling::Hex,
        hash: Hash::Sha256,
        signed: &[Part::Text("v0:"), Part::Header(STAMP), Part::Text(":"), Part::Body],
        stamp: Some(Stamp::Seconds(STAMP)),
    })],
    // Whoever presses a button is shown an error otherwise.
    ignored: StatusCode::OK,
    read,
    ..Source::PLAIN
};

/// What a button can be called, alone or behind `countersign.`.
const BUTTONS: [(&str, Judgement); 11] = [
    ("accept", Judgement::Accepted),
    ("accepted", Judgement::Accepted),
    ("approve", Judgement::Accepted),
    ("edit", Judgement::Edited),
    ("edited", Judgement::Edited),
    ("reject", Judgement::Rejected),
    ("rejected", Judgement::Rejected),
    ("escalate", Judgement::Escalated),
    ("escalated", Judgement::Escalated),
    ("withdraw", Judgement::Withdrawn),
    ("defect", Judgement::Defect),
];

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    match body.text("/type") {
        "" => return Err(Unread::Malformed),
        "block_actions" => {}
        _ => return Err(Unread::Ignored),
    }
    let (team, channel) = (body.text("/team/id"), body.text("/channel/id"));
    delivery.about(&[team, channel])?;
    for action in body.list("/actions") {
        let (name, task) = (action.text("/action_id"), action.text("/value"));
        let name = name.strip_prefix("countersign.").unwrap_or(name);
        let button = BUTTONS.iter().find(|(button, _)| *button == name);
        let Some((_, judgement)) = button.filter(|_| is_name(task)) else { continue };
        let pressed = action.word("/action_ts");
        told.verdict(Said {
            id: &["pressed", team, channel, name, task, &pressed],
            task,
            judgement: *judgement,
            at: action.time("/action_ts"),
            source: SourceKind::Human,
            basis: Basis::Explicit,
            reason: "pressed",
        });
    }
    if told.count() == 0 { Err(Unread::Ignored) } else { Ok(()) }
}
