//! Keys: the one table of attribute keys that may pass, and what their values may look like.

use super::shape::Words;
use super::table;

/// What a value must look like to pass. Numbers and booleans pass under any rule but
/// [`Rule::Denied`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A number, or a number that came as text.
    Number,
    /// An id, a model, a version: printable, without blanks.
    Id,
    /// A display name: a few words.
    Name,
    /// An identifier.
    Word,
    /// Identifiers, one or a list of them: the only rule that lets an array pass.
    Reasons,
    /// Token counts or costs as JSON.
    Counts,
    /// A link without credentials.
    Link,
    /// A link or a host, without query.
    Place,
    /// An identifier that names the span: its operation.
    Operation,
    /// The model that was asked for.
    RequestModel,
    /// The model that answered.
    ResponseModel,
    /// An agent's name.
    Agent,
    /// A workflow's name.
    Workflow,
    /// A tool's name.
    Tool,
    /// Known to carry content, a person or a secret: never passes, on no record.
    Denied,
}

/// The rule of a key on records that pass by allow-list; [`None`] is a key nobody vouches for.
pub(super) fn allowed(key: &[u8]) -> Option<Rule> {
    listed(key).or_else(|| patterned(key)).filter(|rule| *rule != Rule::Denied)
}

/// Whether a key may pass on records that are no gen-AI records. `numeric` says that the value
/// is a number or a boolean, which cannot be a secret.
pub(super) fn tolerated(key: &[u8], numeric: bool) -> bool {
    match listed(key) {
        Some(rule) => rule != Rule::Denied,
        None => core::str::from_utf8(key).is_ok() && !denied(key, numeric),
    }
}

/// Whether a key marks its record as a gen-AI record. That somebody booked it does not: spans of
/// an application are booked too, if they say whose work they are.
pub(super) fn marks(key: &[u8]) -> bool {
    let Some(first) = key.first() else { return false };
    match first {
        b'g' => starts(key, &["gen_ai.", "github.copilot.", "gemini_cli.", "gcp.vertex.agent."]),
        b'l' => starts(
            key,
            &[
                "llm.",
                "langfuse.",
                "langsmith.",
                "litellm.",
                "logfire.",
                "lmnr.",
                "lk.",
                "langgraph",
                "llamaindex.",
            ],
        ),
        b'a' => starts(
            key,
            &[
                "ai.",
                "anthropic.",
                "agent_framework.",
                "agno.",
                "aws.bedrock.",
                "autogen",
                "all_messages",
            ],
        ),
        b'o' => {
            starts(key, &["openinference.", "openai.", "openlit.", "opencode.", "output.value"])
        }
        b't' => starts(key, &["traceloop.", "tool.parameters", "tool_arguments", "tool_response"]),
        b'm' => starts(key, &["mlflow.", "mastra.", "mcp.", "message.content", "model_request_"]),
        b'p' => starts(key, &["pydantic_ai.", "prompt", "portkey."]),
        b'c' => {
            starts(
                key,
                &[
                    "countersign.",
                    "crewai.",
                    "crew_",
                    "claude_code.",
                    "codex.",
                    "copilot_chat.",
                    "copilot.",
                ],
            ) && key != super::span::BOOKED_BY.as_bytes()
        }
        b's' => {
            starts(key, &["strands.", "smolagents.", "semantic_kernel.", "session.annotations."])
        }
        b'e' => starts(key, &["evaluations.", "embedding.", "event_loop."]),
        b'q' => starts(key, &["qwen-code.", "qwen_code."]),
        b'i' => starts(key, &["input.value"]),
        b'h' => starts(key, &["hidden_params", "haystack."]),
        b'd' => starts(key, &["dspy."]),
        b'r' => starts(key, &["rig.", "retrieval.", "reranker.", "request_text", "response_text"]),
        b'v' => starts(key, &["voltagent.", "vertex_ai."]),
        _ => false,
    }
}

/// Whether a scope (or a metric, or a log's name) belongs to an instrumentation of models or
/// agents.
pub(super) fn gen_ai_name(name: &[u8]) -> bool {
    if marks(name) || starts(name, NAME_PREFIXES) {
        return true;
    }
    // Instrumentations are named after what they instrument, anywhere in their name:
    // `opentelemetry.instrumentation.crewai.instrumentation`, `@mastra/otel-exporter`.
    let mut words = name.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    words.any(|word| SCOPE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes())))
}

fn starts(text: &[u8], prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| text.starts_with(prefix.as_bytes()))
}

/// Keys that carry an index or a free middle part.
fn patterned(key: &[u8]) -> Option<Rule> {
    let ends = |ends: &str| key.ends_with(ends.as_bytes());
    if key.starts_with(b"countersign.") {
        return Some(Rule::Id);
    }
    let indexed = ["evaluations.", "session.annotations.", "trace.annotations.", "annotations."];
    if starts(key, &indexed) {
        return match () {
            () if ends(".score") => Some(Rule::Number),
            () if ends(".name") || ends(".label") => Some(Rule::Name),
            () if ends(".annotator_kind") => Some(Rule::Word),
            () => None,
        };
    }
    None
}

/// Keys that are refused on every record: prefixes first, then words that name secrets,
/// content or people.
fn denied(key: &[u8], numeric: bool) -> bool {
    let first = key.first();
    let like = |prefix: &&&str| prefix.as_bytes().first() == first;
    if DENIED_PREFIXES.iter().filter(like).any(|prefix| key.starts_with(prefix.as_bytes())) {
        return true;
    }
    if numeric {
        return false;
    }
    if key.ends_with(b".body") || key.ends_with(b".arguments") {
        return true;
    }
    let mut before: &[u8] = b"";
    Words::of(key).any(|word| {
        let denied = is(word, denied_words(word.len()))
            || is(word, &["key"])
                && is(before, &["api", "private", "access", "encryption", "signing"])
            || is(word, &["name"]) && is(before, &["user"]);
        before = word;
        denied
    })
}

fn is(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

const NAME_PREFIXES: &[&str] = &[
    "agent_framework",
    "claude_code",
    "codex",
    "com.anthropic.",
    "gcp.vertex.agent",
    "gemini-cli",
    "gemini_cli",
    "operation.cost",
    "pydantic-ai",
    "pydantic_ai",
    "qwen-code",
    "strands",
];

const SCOPE_WORDS: &[&str] = &[
    "agent_framework",
    "agno",
    "ai",
    "anthropic",
    "autogen",
    "bedrock",
    "claude_code",
    "codex",
    "cohere",
    "copilot",
    "countersign",
    "crewai",
    "dspy",
    "gemini",
    "gen_ai",
    "genai",
    "google_genai",
    "google_generativeai",
    "groq",
    "haystack",
    "instructor",
    "langchain",
    "langfuse",
    "langgraph",
    "langsmith",
    "langtrace",
    "litellm",
    "livekit",
    "llama_index",
    "llamaindex",
    "llm",
    "lmnr",
    "logfire",
    "mastra",
    "mcp",
    "mistralai",
    "mlflow",
    "ollama",
    "openai",
    "openai_agents",
    "openai_v2",
    "opencode",
    "openinference",
    "openlit",
    "portkey",
    "pydantic_ai",
    "qwen",
    "rig",
    "semantic_kernel",
    "smolagents",
    "strands",
    "traceloop",
    "vertexai",
    "voltagent",
];

const DENIED_PREFIXES: &[&str] = &[
    "client.address",
    "client.socket.",
    "crew_",
    "embedding.",
    "embeddings.",
    "enduser.",
    "exception.message",
    "exception.stacktrace",
    "http.request.body",
    "http.request.header.",
    "http.response.body",
    "http.response.header.",
    "http.user_agent",
    "input.",
    "messaging.message.body",
    "metadata.",
    "organization.",
    "output.",
    "process.command",
    "process.environment",
    "process.executable.path",
    "process.owner",
    "reranker.",
    "retrieval.",
    "rpc.grpc.request.metadata",
    "rpc.grpc.response.metadata",
    "rpc.request.metadata",
    "rpc.response.metadata",
    "user.",
    "user_agent.",
];

/// Words that deny a key, by their length.
const fn denied_words(length: usize) -> &'static [&'static str] {
    match length {
        3 => &["jwt", "pwd"],
        4 => &["mail"],
        5 => &["email", "token"],
        6 => &["apikey", "bearer", "cookie", "passwd", "prompt", "secret", "userid"],
        7 => &["prompts", "secrets"],
        8 => &["password", "username"],
        10 => &["completion", "credential", "passphrase"],
        11 => &["completions", "credentials"],
        13 => &["authorization"],
        _ => &[],
    }
}

const GROUPS: [(&[&str], Rule); 15] = [
    (table::NUMBERS, Rule::Number),
    (table::IDS, Rule::Id),
    (table::NAMES, Rule::Name),
    (table::WORDS, Rule::Word),
    (table::REASONS, Rule::Reasons),
    (table::COUNTS, Rule::Counts),
    (table::LINKS, Rule::Link),
    (table::PLACES, Rule::Place),
    (table::OPERATIONS, Rule::Operation),
    (table::REQUEST_MODELS, Rule::RequestModel),
    (table::RESPONSE_MODELS, Rule::ResponseModel),
    (table::AGENTS, Rule::Agent),
    (table::WORKFLOWS, Rule::Workflow),
    (table::TOOLS, Rule::Tool),
    (table::DENIED, Rule::Denied),
];

const SLOTS: usize = 4_096;
const VACANT: u16 = u16::MAX;
const ROWS: usize = {
    let (mut rows, mut group) = (0, 0);
    while group < GROUPS.len() {
        rows += group_rows(group).len();
        group += 1;
    }
    rows
};

const _: () = assert!(ROWS < SLOTS / 2, "the index is too full: double its slots");

/// All listed keys with their rules, group by group.
static LISTED: [(&str, Rule); ROWS] = flatten();

/// Where each listed key stands in `LISTED`, found by its hash; next slot if taken.
static INDEX: [u16; SLOTS] = index();

#[inline]
fn listed(key: &[u8]) -> Option<Rule> {
    let mut at = hash(key);
    loop {
        let row = *INDEX.get(at % SLOTS)?;
        let (listed, rule) = LISTED.get(usize::from(row))?;
        if listed.as_bytes() == key {
            return Some(*rule);
        }
        at += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn group_rows(group: usize) -> &'static [&'static str] {
    GROUPS[group].0
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn flatten() -> [(&'static str, Rule); ROWS] {
    let mut flat = [("", Rule::Denied); ROWS];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut row = 0;
        while row < group_rows(group).len() {
            flat[at] = (group_rows(group)[row], GROUPS[group].1);
            at += 1;
            row += 1;
        }
        group += 1;
    }
    flat
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
#[allow(clippy::cast_possible_truncation, reason = "there are fewer rows than slots")]
const fn index() -> [u16; SLOTS] {
    let flat = flatten();
    let mut slots = [VACANT; SLOTS];
    let mut row = 0;
    while row < ROWS {
        let mut at = hash(flat[row].0.as_bytes());
        while slots[at % SLOTS] != VACANT {
            at += 1;
        }
        slots[at % SLOTS] = row as u16;
        row += 1;
    }
    slots
}

/// Length, beginning, middle and end of the key, which can be mixed at the same time.
#[allow(clippy::cast_possible_truncation, reason = "the bits above are the best ones")]
const fn hash(key: &[u8]) -> usize {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (short(key), 0),
    };
    let middle = match key.split_at(key.len() / 2).1.first_chunk::<8>() {
        Some(middle) => u64::from_le_bytes(*middle),
        None => 0,
    };
    let mixed = first.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ middle.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(17)
        ^ last.wrapping_mul(0x1656_67b1_9e37_79f9).rotate_left(31)
        ^ (key.len() as u64) << 33;
    (mixed ^ mixed >> 23) as usize >> 20
}

const fn short(mut key: &[u8]) -> u64 {
    let mut value = 0;
    while let Some((byte, after)) = key.split_first() {
        value = value << 8 | *byte as u64;
        key = after;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_listed_once_in_order_and_found() {
        let mut seen = alloc::collections::BTreeSet::new();
        for (rows, rule) in GROUPS {
            for pair in rows.windows(2) {
                assert!(pair[0] < pair[1], "{} stands before {}", pair[0], pair[1]);
            }
            for row in rows {
                assert!(seen.insert(*row), "{row} is listed twice");
                assert_eq!(listed(row.as_bytes()), Some(rule), "{row}");
            }
        }
        assert_eq!(listed(b"gen_ai.input.messages"), Some(Rule::Denied));
        assert_eq!(listed(b"no.such.key"), None);
    }

    #[test]
    fn keys_are_found_in_few_steps() {
        let steps = LISTED.iter().map(|(key, _)| {
            let home = hash(key.as_bytes());
            let row = |at: usize| usize::from(INDEX[at % SLOTS]);
            (0..).find(|step| LISTED[row(home + step)].0 == *key).unwrap()
        });
        let steps: alloc::vec::Vec<usize> = steps.collect();
        let sum: usize = steps.iter().sum();
        assert!(sum < LISTED.len() / 2, "{sum} steps for {} keys", LISTED.len());
        assert!(*steps.iter().max().unwrap() < 12, "{steps:?}");
    }

    #[test]
    fn secrets_people_and_content_are_denied_by_name() {
        for key in [
            "http.request.header.authorization",
            "db.password",
            "my.apiKey",
            "api_key",
            "userEmail",
            "session_token",
            "enduser.id",
            "user.email",
            "url.query",
            "exception.message",
            "Cookie",
            "db.query.text",
            "kafka.message.body",
            "lastPrompt",
        ] {
            assert!(!tolerated(key.as_bytes(), false), "{key}");
        }
        for key in ["http.route", "db.system", "order.id", "cart.items", "thread.name", "tokens"] {
            assert!(tolerated(key.as_bytes(), false), "{key}");
        }
        assert!(tolerated(b"token_count", true));
    }

    #[test]
    fn scopes_of_models_and_agents_are_known() {
        for scope in [
            "opentelemetry.instrumentation.crewai.instrumentation",
            "@mastra/otel-exporter",
            "ai",
            "codex_exec",
            "com.anthropic.claude_code.events",
            "gcp.vertex.agent",
            "litellm",
            "opentelemetry.instrumentation.openai.v1",
            "openlit.otel.metrics",
            "pydantic-ai",
        ] {
            assert!(gen_ai_name(scope.as_bytes()), "{scope}");
        }
        for scope in ["opentelemetry.instrumentation.httpx", "app", "mailer", "sqlx", ""] {
            assert!(!gen_ai_name(scope.as_bytes()), "{scope}");
        }
    }
}
