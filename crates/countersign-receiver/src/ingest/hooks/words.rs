//! Words that people and tools write into commits and descriptions: which task it is, what it
//! undoes, which issue it closes. They are looked at where they come in and not kept.

use super::told::is_name;

/// The trailer that names a task, in a commit or in a description.
const TRAILER: &str = "countersign-task:";

/// The task that a text names in a line `Countersign-Task: ID`, which may be hidden in a comment.
#[must_use]
pub(super) fn task(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let line = line.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
        let (key, value) = (line.get(..TRAILER.len())?, line.get(TRAILER.len()..)?);
        let value = value.trim();
        (key.eq_ignore_ascii_case(TRAILER) && is_name(value)).then_some(value)
    })
}

/// The commits that a commit's message says it reverts.
pub(super) fn reverted_commits(message: &str) -> impl Iterator<Item = &str> {
    after_each(message, "This reverts commit ").filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        rest.get(..end).filter(|sha| (7..=64).contains(&sha.len()))
    })
}

/// The changes that a description says it reverts: repository (empty for its own) and number.
pub(super) fn reverted_changes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    after_each(text, "Reverts ").filter_map(|rest| reference(rest, &['#', '!']))
}

/// The issues that a description says it closes: repository (empty for its own) and number.
pub(super) fn closed_issues(text: &str) -> impl Iterator<Item = (&str, &str)> {
    const KEYWORDS: [&str; 9] =
        ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['#'])?;
            let before = rest.get(..at)?;
            let name_from = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
            let found = reference(rest.get(name_from..)?, &['#']);
            let keyword = before.get(..name_from)?.trim_end().trim_end_matches(':');
            let keyword = keyword.rsplit(|c: char| !c.is_ascii_alphabetic()).next()?;
            rest = rest.get(at + 1..)?;
            let closes = KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(keyword));
            if let Some(found) = found.filter(|_| closes) {
                return Some(found);
            }
        }
    })
}

/// `owner/name#7` or `#7` at the beginning of a text.
fn reference<'a>(text: &'a str, marks: &[char]) -> Option<(&'a str, &'a str)> {
    let at = text.find(marks)?;
    let (repository, number) = (text.get(..at)?, text.get(at + 1..)?);
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let number = number.get(..end).filter(|number| (1..=18).contains(&number.len()))?;
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let usable = repository.is_empty() || repository.contains('/');
    (usable && repository.chars().all(is_path)).then_some((repository, number))
}

fn after_each<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark).filter_map(move |(at, _)| text.get(at + mark.len()..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_names_the_task() {
        assert_eq!(task("Fix login\n\nCountersign-Task: fix-7\n"), Some("fix-7"));
        assert_eq!(task("text\r\n<!-- countersign-task: a b -->\r\n"), Some("a b"));
        assert_eq!(task("Countersign-Task:\nCountersign-Task: second"), Some("second"));
        for without in ["", "Countersign-Task", "see Countersign-Task: x", "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ:"]
        {
            assert_eq!(task(without), None, "{without}");
        }
    }

    #[test]
    fn what_is_reverted() {
        let sha = "9f2c1d7e8b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e";
        let message = format!("Revert \"x\"\n\nThis reverts commit {sha}, reversing\nchanges.");
        assert_eq!(reverted_commits(&message).collect::<Vec<_>>(), [sha]);
        assert_eq!(reverted_commits("This reverts commit abc.").count(), 0);
        let changes = |text| reverted_changes(text).collect::<Vec<_>>();
        assert_eq!(changes("Reverts acme/api#7"), [("acme/api", "7")]);
        assert_eq!(changes("Reverts #7 and more"), [("", "7")]);
        assert_eq!(changes("Reverts acme/api!7"), [("acme/api", "7")]);
        assert_eq!(changes("Reverts everything (#7)"), []);
    }

    #[test]
    fn what_is_closed() {
        let closed = |text| closed_issues(text).collect::<Vec<_>>();
        assert_eq!(closed("Fixes #12."), [("", "12")]);
        assert_eq!(closed("closes: acme/api#3, resolves #4"), [("acme/api", "3"), ("", "4")]);
        assert_eq!(closed("see #12, prefix #3, #4 fixes"), []);
    }
}
