//! The workflows of the demonstration: who does what, with which models, and how well it goes.

use std::ops::Range;

/// A model, as asked for and as it answers.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) provider: &'static str,
    pub(super) request: &'static str,
    pub(super) response: &'static str,
    /// Output tokens a second.
    pub(super) speed: u64,
}

pub(super) const SMALL: Model = Model {
    provider: "openai",
    request: "gpt-4o-mini",
    response: "gpt-4o-mini-2024-07-18",
    speed: 900,
};
pub(super) const LARGE: Model =
    Model { provider: "openai", request: "gpt-4o", response: "gpt-4o-2024-08-06", speed: 600 };
pub(super) const CODER: Model = Model {
    provider: "anthropic",
    request: "claude-sonnet-4-5",
    response: "claude-sonnet-4-5-20250929",
    speed: 800,
};
pub(super) const READER: Model = Model {
    provider: "gcp.gemini",
    request: "gemini-2.5-flash",
    response: "gemini-2.5-flash",
    speed: 1_500,
};

/// A way to do a task.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) reason: &'static str,
    /// One call each, in this order, with a tool between them.
    pub(super) models: &'static [Model],
    /// How often in a hundred it needs no other round.
    pub(super) right_at_once: u64,
}

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Accepted,
    Edited,
    Rejected,
    Escalated,
    Withdrawn,
    /// Accepted, and it came back.
    Defect,
    /// Nobody has judged it while the demonstration lasts.
    Pending,
}

/// Who gives verdicts on a workflow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desk {
    pub(super) source: countersign::Source,
    pub(super) system: &'static str,
    pub(super) basis: countersign::Basis,
    /// The reviewer's time in seconds.
    pub(super) review_seconds: Range2,
    /// Why work is refused.
    pub(super) reasons: &'static [(u64, &'static str)],
}

/// A range that can be copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range2(pub(super) u64, pub(super) u64);

impl Range2 {
    pub(super) const fn range(self) -> Range<u64> {
        self.0..self.1
    }
}

/// One kind of work.
#[derive(Debug)]
pub(super) struct Workflow {
    pub(super) name: &'static str,
    pub(super) service: &'static str,
    pub(super) team: &'static str,
    pub(super) project: &'static str,
    /// What its tasks' ids begin with.
    pub(super) prefix: &'static str,
    /// What is reviewed, in front of the task's number; empty if the task's id says it.
    pub(super) artifact: &'static str,
    pub(super) prompt: &'static str,
    pub(super) routes: &'static [(u64, Route)],
    pub(super) tools: &'static [(u64, &'static str)],
    /// Tokens of a call.
    pub(super) input: Range2,
    pub(super) output: Range2,
    pub(super) reasoning: bool,
    pub(super) rounds_max: u32,
    pub(super) endings: &'static [(u64, Ending)],
    pub(super) desk: Desk,
}

/// All of them, each with how often it is asked for.
pub(super) const WORKFLOWS: &[(u64, Workflow)] =
    &[(5, SUPPORT_TICKET), (3, PR_REVIEW), (2, RESEARCH_MEMO)];

const SUPPORT_TICKET: Workflow = Workflow {
    name: "support-ticket",
    service: "support-agent",
    team: "care",
    project: "shop",
    prefix: "SUP",
    artifact: "",
    prompt: "support-answer",
    routes: &[
        (
            7,
            Route {
                name: "small-first",
                reason: "short question",
                models: &[SMALL],
                right_at_once: 90,
            },
        ),
        (
            3,
            Route {
                name: "large",
                reason: "angry customer",
                models: &[SMALL, LARGE],
                right_at_once: 94,
            },
        ),
    ],
    tools: &[(5, "order_lookup"), (3, "knowledge_search"), (1, "refund_check")],
    input: Range2(900, 3_500),
    output: Range2(80, 320),
    reasoning: false,
    rounds_max: 2,
    endings: &[
        (62, Ending::Accepted),
        (12, Ending::Edited),
        (4, Ending::Rejected),
        (12, Ending::Escalated),
        (4, Ending::Defect),
        (6, Ending::Pending),
    ],
    desk: Desk {
        source: countersign::Source::EndUser,
        system: "zendesk",
        basis: countersign::Basis::Implicit,
        review_seconds: Range2(20, 180),
        reasons: &[(3, "wrong_answer"), (2, "wrong_tone"), (1, "policy")],
    },
};

const PR_REVIEW: Workflow = Workflow {
    name: "pr-review",
    service: "coding-agent",
    team: "platform",
    project: "checkout",
    prefix: "PR",
    artifact: "https://git.example.com/acme/checkout/pull/",
    prompt: "write-patch",
    routes: &[
        (
            5,
            Route { name: "sonnet", reason: "default", models: &[CODER, CODER], right_at_once: 62 },
        ),
        (
            3,
            Route {
                name: "plan-then-sonnet",
                reason: "touches several files",
                models: &[READER, CODER, CODER],
                right_at_once: 78,
            },
        ),
        (
            2,
            Route { name: "small-first", reason: "docs only", models: &[SMALL], right_at_once: 48 },
        ),
    ],
    tools: &[(5, "run_tests"), (4, "read_file"), (2, "search_code"), (1, "apply_patch")],
    input: Range2(6_000, 28_000),
    output: Range2(400, 2_400),
    reasoning: true,
    rounds_max: 3,
    endings: &[
        (52, Ending::Accepted),
        (18, Ending::Edited),
        (12, Ending::Rejected),
        (6, Ending::Withdrawn),
        (4, Ending::Defect),
        (8, Ending::Pending),
    ],
    desk: Desk {
        source: countersign::Source::Human,
        system: "github",
        basis: countersign::Basis::Explicit,
        review_seconds: Range2(180, 1_500),
        reasons: &[(4, "tests_failed"), (3, "style"), (2, "wrong_approach"), (1, "security")],
    },
};

const RESEARCH_MEMO: Workflow = Workflow {
    name: "research-memo",
    service: "research-agent",
    team: "strategy",
    project: "market",
    prefix: "MEMO",
    artifact: "https://docs.example.com/memo/",
    prompt: "memo",
    routes: &[
        (
            6,
            Route {
                name: "flash-then-4o",
                reason: "many sources",
                models: &[READER, READER, LARGE],
                right_at_once: 70,
            },
        ),
        (4, Route { name: "4o", reason: "few sources", models: &[LARGE], right_at_once: 58 }),
    ],
    tools: &[(5, "web_search"), (3, "fetch_page"), (1, "spreadsheet")],
    input: Range2(8_000, 45_000),
    output: Range2(600, 2_000),
    reasoning: true,
    rounds_max: 2,
    endings: &[
        (40, Ending::Accepted),
        (30, Ending::Edited),
        (12, Ending::Rejected),
        (4, Ending::Withdrawn),
        (14, Ending::Pending),
    ],
    desk: Desk {
        source: countersign::Source::Human,
        system: "docs",
        basis: countersign::Basis::Explicit,
        review_seconds: Range2(240, 1_800),
        reasons: &[(3, "missing_source"), (2, "too_long"), (2, "wrong_conclusion")],
    },
};
