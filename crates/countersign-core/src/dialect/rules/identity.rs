//! Whose work a record is: task, conversation, change, workflow, route.

use super::Reading;
use crate::decode::Value;
use crate::dialect::field::Field;
use crate::fact::{Identity, NameQuality};
use crate::key::TraceId;

/// Fields that make a span worth keeping even if it is neither a call nor a step.
const SAYS_SOMETHING: [Field; 7] = [
    Field::Task,
    Field::TaskBySetting,
    Field::Conversation,
    Field::Artifact,
    Field::Change,
    Field::Workflow,
    Field::ReviewState,
];

/// How a link to a change begins.
const LINK: &[u8] = b"https://";

impl<'a> Reading<'a, '_> {
    /// The identity of the current record: what it says itself, then what its resource says.
    pub(super) fn identity(&mut self, linked: TraceId) -> Identity<'a> {
        let (workflow, workflow_quality) = self.workflow();
        Identity {
            task: self.task(),
            conversation: self.said(Field::Conversation),
            artifact: self.said(Field::Artifact),
            repository: self.said(Field::Repository),
            change: self.said(Field::Change),
            revision: self.said(Field::Revision),
            branch: self.said(Field::Branch),
            linked,
            workflow,
            team: self.said(Field::Team),
            project: self.said(Field::Project),
            purpose: self.said(Field::Purpose),
            route: self.said(Field::Route),
            route_reason: self.said(Field::RouteReason),
            attempt: self.record.small(Field::Attempt),
            round: self.record.small(Field::Round),
            workflow_quality,
        }
    }

    /// Whether the current record itself says whose work it is.
    pub(super) fn says_whose(&self) -> bool {
        SAYS_SOMETHING.iter().any(|field| matches!(self.record.value(*field), Value::Text(_)))
    }

    /// The text of a field of the record or else of its resource.
    #[inline(always)]
    pub(super) fn said(&mut self, field: Field) -> &'a str {
        if self.record.has(field) {
            self.record.text(field)
        } else if self.resource.has(field) {
            self.resource.text(field)
        } else {
            ""
        }
    }

    /// The link to a pull or merge request, if it is all that the tool gave back: that is how
    /// forges answer to opening one. A link among other text may lead to anybody's work.
    pub(super) fn opened_change(&mut self) -> &'a str {
        // Most results are long and none: their first bytes decide.
        let Value::Text(bytes) = self.record.value(Field::ToolResult) else { return "" };
        let start = bytes.trim_ascii_start();
        if !start.strip_prefix(b"\"").unwrap_or(start).trim_ascii_start().starts_with(LINK) {
            return "";
        }
        let result = self.record.text(Field::ToolResult).trim_ascii();
        let number = ["/pull/", "/merge_requests/"]
            .iter()
            .find_map(|path| result.rsplit_once(path))
            .map_or("", |(_, number)| number);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_link = result.as_bytes().starts_with(LINK) && !result.contains(char::is_whitespace);
        if is_link && is_number { result } else { "" }
    }

    fn task(&mut self) -> &'a str {
        let by_setting = self.said(Field::TaskBySetting);
        if by_setting.is_empty() { self.said(Field::Task) } else { by_setting }
    }

    fn workflow(&mut self) -> (&'a str, NameQuality) {
        let is_task = self.record.has(Field::ReviewState);
        let named = self.said(Field::Workflow);
        if !named.is_empty() {
            return (named, if is_task { NameQuality::Task } else { NameQuality::Span });
        }
        let agent = self.said(Field::Agent);
        if !agent.is_empty() {
            return (agent, NameQuality::Agent);
        }
        match self.service.name {
            "" => ("", NameQuality::Unsaid),
            name => (name, NameQuality::Service),
        }
    }
}
