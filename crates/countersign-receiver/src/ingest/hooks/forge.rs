//! Forge: what all forges have in common. A change has several names, a commit may undo another,
//! and who pushes to a change is its author or somebody else.

use countersign_core::fact::{
    Basis, Judgement, SourceKind, UnixNanos, branch_name, change_name, commit_name, issue_name,
};

use super::told::{Said, Told};
use super::words;
use crate::publish::calendar;

/// A repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repository<'a> {
    /// Its URL for people.
    pub(super) url: &'a str,
    /// Owner and name.
    pub(super) path: &'a str,
}

impl Repository<'_> {
    /// The repository that a text refers to by its path: this one, or another of the same forge.
    fn other(&self, path: &str) -> String {
        let root = self.url.strip_suffix(self.path).filter(|_| !path.is_empty());
        root.map_or_else(|| self.url.to_owned(), |root| format!("{root}{path}"))
    }

    fn change(&self, (path, number): (&str, &str)) -> String {
        change_name(&self.other(path), number)
    }

    fn issue(&self, (path, number): (&str, &str)) -> String {
        issue_name(&self.other(path), number)
    }
}

/// A pull or merge request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    /// Its URL for people.
    pub(super) url: &'a str,
    /// Where it is to be merged.
    pub(super) repository: Repository<'a>,
    /// Its number there.
    pub(super) number: u64,
    /// Where its branch is: a fork, perhaps one that is gone.
    pub(super) branch_repository: &'a str,
    /// Its branch.
    pub(super) branch: &'a str,
    /// The last commit of its branch.
    pub(super) revision: &'a str,
    /// What became of it in the branch that it was merged into; empty before.
    pub(super) merge_revision: &'a str,
    /// Its description.
    pub(super) text: &'a str,
}

impl Change<'_> {
    /// Its name by repository and number.
    #[must_use]
    pub(super) fn name(&self) -> String {
        change_name(self.repository.url, &self.number.to_string())
    }

    /// Tells its names.
    pub(super) fn tell_names(&self, told: &mut Told) {
        if let Some(task) = words::task(self.text) {
            told.same(task, self.url);
        }
        told.same(self.url, &self.name());
        if let Some(branch) = branch_name(self.branch_repository, self.branch) {
            told.hint(self.url, &branch);
        }
        if !self.revision.is_empty() {
            told.hint(self.url, self.revision);
            told.same(self.url, &commit_name(self.repository.url, self.revision));
        }
        if !self.merge_revision.is_empty() {
            told.same(self.url, &commit_name(self.repository.url, self.merge_revision));
        }
        for issue in words::closed_issues(self.text) {
            told.hint(self.url, &self.repository.issue(issue));
        }
    }

    /// Tells what it undoes, now that it is merged.
    pub(super) fn tell_reverts(&self, at: Option<UnixNanos>, told: &mut Told) {
        for change in words::reverted_changes(self.text) {
            tell_undone(&self.repository.change(change), &self.name(), at, told);
        }
    }

    /// Somebody other than the agent pushed to it: an acceptance after that is of work that
    /// people changed.
    pub(super) fn tell_changed(&self, at: Option<UnixNanos>, told: &mut Told) {
        told.verdict(Said {
            id: &["changed", self.url, self.revision],
            task: self.url,
            judgement: Judgement::Edited,
            at,
            source: SourceKind::Code,
            basis: Basis::Implicit,
            reason: "changed_by_people",
        });
    }
}

/// A commit of a push.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commit<'a> {
    /// Its hash.
    pub(super) revision: &'a str,
    /// Its message.
    pub(super) message: &'a str,
}

/// Tells what the commits of a push say: which tasks they are of, and, in the branch that all
/// work ends in, what they undo.
pub(super) fn tell_push(
    repository: Repository<'_>,
    (branch, default_branch): (&str, &str),
    commits: &[Commit<'_>],
    at: Option<UnixNanos>,
    told: &mut Told,
) {
    let own_branch = branch_name(repository.url, branch).filter(|_| branch != default_branch);
    for commit in commits {
        let name = commit_name(repository.url, commit.revision);
        if let Some(task) = words::task(commit.message) {
            told.same(task, &name);
            if let Some(branch) = &own_branch {
                told.hint(task, branch);
            }
        }
        if branch != default_branch {
            continue;
        }
        for revision in words::reverted_commits(commit.message) {
            tell_undone(&commit_name(repository.url, revision), &name, at, told);
        }
        for change in words::reverted_changes(commit.message) {
            tell_undone(&repository.change(change), &name, at, told);
        }
    }
}

/// Something was undone by something else. If it had itself undone something, that is restored.
fn tell_undone(undone: &str, by_name: &str, at: Option<UnixNanos>, told: &mut Told) {
    let (undoing, redoing) = (format!("undone-by:{by_name}"), format!("redone-by:{by_name}"));
    let (was_undoing, was_redoing) = (format!("undone-by:{undone}"), format!("redone-by:{undone}"));
    let said = |id, task, judgement, reason| Said {
        id,
        task,
        judgement,
        at,
        // Whoever brings it back, serves it again.
        source: SourceKind::System,
        basis: Basis::Explicit,
        reason,
    };
    // What was restored can be undone by the name of what restored it.
    told.same(undone, &was_redoing);
    told.same(&undoing, undone);
    told.same(&redoing, &was_undoing);
    let once = ["undone", undone, by_name];
    let restored = ["restored", undone, by_name];
    told.verdict(said(&once, undone, Judgement::Defect, "reverted"));
    told.verdict(said(&restored, &was_undoing, Judgement::Accepted, "restored"));
}

/// A time as forges write it; GitLab has a spelling of its own.
#[must_use]
pub(super) fn time(text: &str) -> Option<UnixNanos> {
    match text.strip_suffix(" UTC") {
        Some(clock) => calendar::read(&format!("{clock}Z")),
        None => calendar::read(text),
    }
}
