//! Names that forges and trackers have for work, spelt alike wherever they come from.
//!
//! A span, a delivery of a forge and a person may each name the same change: these functions
//! make one text of it.

use alloc::borrow::Cow;
use alloc::string::String;

/// Branches that many tasks begin at: a task is not known by them.
const SHARED_BRANCHES: [&str; 8] =
    ["main", "master", "trunk", "develop", "dev", "staging", "production", "HEAD"];

/// A repository's URL without what differs between tools: `https`, no user, no `.git`.
///
/// ```
/// use countersign_core::fact::repository_name;
/// for url in ["git@github.com:acme/api.git", "ssh://git@GitHub.com/acme/api", "https://github.com/acme/api/"] {
///     assert_eq!(repository_name(url), "https://github.com/acme/api");
/// }
/// ```
#[must_use]
pub fn repository_name(url: &str) -> Cow<'_, str> {
    let trimmed = url.trim_end_matches('/');
    let trimmed = trimmed.strip_suffix(".git").unwrap_or(trimmed);
    let (host, path) = match trimmed.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        // The short form of SSH: `git@host:path`.
        None => match trimmed.split_once('@').and_then(|(_, rest)| rest.split_once(':')) {
            Some(parts) => parts,
            None => return Cow::Borrowed(trimmed),
        },
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let is_plain = !host.bytes().any(|byte| byte.is_ascii_uppercase());
    let same = trimmed.strip_prefix("https://").and_then(|rest| rest.strip_prefix(host));
    if is_plain && same.is_some() {
        return Cow::Borrowed(trimmed);
    }
    Cow::Owned(alloc::format!("https://{}/{path}", host.to_ascii_lowercase()))
}

/// A change by its repository and number: `https://github.com/acme/api#7`.
#[must_use]
pub fn change_name(repository: &str, number: &str) -> String {
    alloc::format!("{}#{number}", repository_name(repository))
}

/// A branch of a repository; `None` for those that many tasks begin at.
#[must_use]
pub fn branch_name(repository: &str, branch: &str) -> Option<String> {
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let usable = !branch.is_empty() && !repository.is_empty() && !SHARED_BRANCHES.contains(&branch);
    usable.then(|| alloc::format!("{}@{branch}", repository_name(repository)))
}

/// An issue by its repository and number: some forges count issues and changes apart.
#[must_use]
pub fn issue_name(repository: &str, number: &str) -> String {
    alloc::format!("{}/issue#{number}", repository_name(repository))
}

/// Digits of a commit's hash that tell it from the others of its repository; some forges give
/// no more.
const HASH_DIGITS: usize = 12;

/// A commit as something that can be undone. Not the same name as the revision that work
/// began at, which many tasks share.
#[must_use]
pub fn commit_name(repository: &str, revision: &str) -> String {
    let digits = revision.get(..HASH_DIGITS).unwrap_or(revision).to_ascii_lowercase();
    alloc::format!("{}/commit@{digits}", repository_name(repository))
}
