//! Intercom: conversations that are closed, rated, reopened and handed to people.

use countersign_core::fact::{Basis, Judgement, SourceKind};

use super::fields::Fields;
use super::signature::{Code, Hash, Part, Scheme, Spelling};
use super::source::{Delivery, Source, Unread};
use super::ticket::{Ticket, Turn};
use super::told::{Said, Told};

pub(super) const INTERCOM: Source = Source {
    kind: "intercom",
    schemes: &[Scheme::Code(Code {
        header: "x-hub-signature",
        prefix: "sha1=",
        separator: None,
        spelling: Spelling::Hex,
        hash: Hash::Sha1,
        signed: &[Part::Body],
        stamp: None,
    })],
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    let (topic, id) = (body.text("/topic"), body.word("/data/item/id"));
    if topic.is_empty() {
        return Err(Unread::Malformed);
    }
    delivery.about(&[body.text("/app_id")])?;
    if !topic.starts_with("conversation.") {
        return Err(Unread::Ignored);
    }
    if id.is_empty() {
        return Err(Unread::Malformed);
    }
    let url = body.text("/data/item/links/conversation_web");
    let conversation = Ticket::at(url, "intercom", &id);
    let time = body.word("/created_at");
    let closed = body.word("/data/item/statistics/last_close_at");
    let assignee = body.word("/data/item/admin_assignee_id");
    let (turn, said_at) = match topic {
        "conversation.admin.closed" => (Turn::Solved, &time),
        "conversation.rating.added" => {
            return rated(&conversation, &body, delivery, told);
        }
        "conversation.admin.assigned" if !delivery.hook.is_agent(&assignee) => {
            (Turn::HandedOn, &time)
        }
        // Somebody who writes after it was closed has not got an answer. One such sign for each
        // time that it was closed.
        "conversation.user.replied" | "conversation.admin.opened" if !closed.is_empty() => {
            (Turn::Reopened, &closed)
        }
        _ => return Err(Unread::Ignored),
    };
    let at = (&**said_at, body.time("/created_at"));
    conversation.tell(turn, at, SourceKind::System, delivery, told);
    Ok(())
}

/// The person whom the answer was for says how good it was, from 1 to 5.
fn rated(
    conversation: &Ticket,
    body: &Fields,
    delivery: &Delivery<'_>,
    told: &mut Told,
) -> Result<(), Unread> {
    let rating = body.word("/data/item/conversation_rating/rating");
    let judgement = match &*rating {
        "1" | "2" => Judgement::Rejected,
        "4" | "5" => Judgement::Accepted,
        _ => return Err(Unread::Ignored),
    };
    let time = body.word("/created_at");
    conversation.tell_names(delivery, told);
    told.verdict(Said {
        id: &["rated", &conversation.name, &time],
        task: &conversation.name,
        judgement,
        at: body.time("/created_at"),
        source: SourceKind::EndUser,
        basis: Basis::Explicit,
        reason: "rated",
    });
    Ok(())
}
