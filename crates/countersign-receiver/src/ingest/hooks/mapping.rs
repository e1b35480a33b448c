//! Mapping: where the fields of a verdict are in any JSON, for systems without a shape of their
//! own.

use countersign_core::fact::{Basis, Judgement, SourceKind};

use super::fields::Fields;
use super::source::{Delivery, Unread};
use super::told::{Said, Told, is_name};
/// Places are JSON pointers: `/ticket/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The task's name: an id, a URL, a key, a conversation.
    pub task: String,
    /// What stands before the task's name in spans, if the system leaves it out.
    pub task_prefix: String,
    /// The word that becomes a verdict.
    pub state: String,
    /// Which word becomes which verdict; others say nothing.
    pub states: Vec<(String, Judgement)>,
    /// When it came about.
    pub time: Option<String>,
    /// The delivery's id; without one, all that was mapped is the id.
    pub id: Option<String>,
    /// Who judges.
    pub source: SourceKind,
    /// On what basis.
    pub basis: Basis,
}

impl Mapping {
    /// Reads a body by the mapping.
    pub(super) fn read(&self, delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
        let body: Fields = delivery.json()?;
        let word = body.word(&self.state);
        let found = self.states.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
        let (_, judgement) = *found.ok_or(Unread::Ignored)?;
        let task = format!("{}{}", self.task_prefix, body.word(&self.task));
        if body.word(&self.task).is_empty() || !is_name(&task) {
            return Err(Unread::Malformed);
        }
        let at = self.time.as_ref().and_then(|place| body.time(place));
        let id = self.id.as_ref().map_or_else(String::new, |place| body.word(place));
        let id = if id.is_empty() { delivery.id().to_owned() } else { id };
        let when = at.map_or_else(String::new, |at| at.to_string());
        let hook = &*delivery.hook.name;
        let parts = match id.is_empty() {
            false => [hook, &id, "", ""],
            true => [hook, &task, &word, &when],
        };
        told.verdict(Said {
            id: &parts,
            task: &task,
            judgement,
            at,
            source: self.source,
            basis: self.basis,
            reason: "",
        });
        Ok(())
    }
}
