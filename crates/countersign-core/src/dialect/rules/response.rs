//! The provider's id of a response: the same call wherever it is seen.

use super::Reading;
use crate::decode::json::Members;
use crate::dialect::field::Field;
use crate::key::Key;

/// A recorded response is searched so far for its id.
const SEARCHED_BYTES_MAX: usize = 64 * 1024;
/// Shorter ids are counters, not names that no other response has.
const ID_BYTES_MIN: usize = 12;

impl Reading<'_, '_> {
    /// The key of the current record's response, or [`Key::NONE`].
    pub(super) fn response(&mut self) -> Key {
        let id = self.record.text(Field::ResponseId);
        if !id.is_empty() {
            return Key::of(id);
        }
        if !self.record.has(Field::ResponseIdIn) {
            return Key::NONE;
        }
        let text = self.record.long_text(Field::ResponseIdIn);
        Key::of(recorded_id(crate::names::cut(text, SEARCHED_BYTES_MAX)))
    }
}

/// The id of the response that was recorded as JSON; empty if there is none.
///
/// A model can answer in JSON too, so an `id` counts only beside a `model`, as providers send
/// it, or inside the metadata that LangChain makes of the provider's response.
fn recorded_id(text: &str) -> &str {
    let mut top = "";
    let mut has_model = false;
    for member in Members::of(text) {
        match (member.depth, member.parent, member.key) {
            (_, "response_metadata" | "llm_output", "id") if long(member.value) => {
                return member.value;
            }
            (1, "", "id") if long(member.value) => top = member.value,
            (1, "", "model") => has_model = true,
            _ => {}
        }
        if has_model && !top.is_empty() {
            return top;
        }
    }
    ""
}

fn long(id: &str) -> bool {
    id.len() >= ID_BYTES_MIN
}

#[cfg(test)]
mod tests {
    use super::recorded_id;

    #[test]
    fn finds_the_id_of_a_response_and_no_other() {
        let openai = r#"{"id":"chatcmpl-123456","choices":[{"id":"x"}],"model":"gpt-4o"}"#;
        assert_eq!(recorded_id(openai), "chatcmpl-123456");
        let langchain = r#"{"generations":[[{"message":{"lc":1,"id":["a","b"],"kwargs":
            {"response_metadata":{"model_name":"m","id":"chatcmpl-123456"},"id":"run-1"}}}]]}"#;
        assert_eq!(recorded_id(langchain), "chatcmpl-123456");
        assert_eq!(recorded_id(r#"{"id":"order-123456","total":3}"#), "");
    }
}
