//! Shapes of verdicts.

use std::time::{Duration, UNIX_EPOCH};

use countersign::testing::Kit;
use countersign::{Basis, Source, State, Task, Verdict, names};
use expect_test::{Expect, expect};

fn check(verdict: Verdict, expected: Expect) {
    let kit = Kit::new();
    let _here = kit.attach();
    let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let id = verdict.id("v-1").effective_at(at).of_task("T-1").send();
    assert_eq!(id, "v-1");
    let verdicts = kit.verdicts();
    let [seen] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert_eq!(seen.name, "gen_ai.evaluation.result");
    assert_eq!(seen.trace, "0".repeat(32), "a verdict from elsewhere belongs to no trace");
    expected.assert_eq(&(seen.lines().join("\n") + "\n"));
}

#[test]
fn a_plain_one() {
    check(
        Verdict::accepted(),
        expect![[r#"
        gen_ai.evaluation.name = "review.verdict"
        gen_ai.evaluation.score.label = "accepted"
        gen_ai.evaluation.score.value = 1.0
        countersign.task.id = "T-1"
        countersign.verdict.id = "v-1"
        countersign.verdict.state = "accepted"
        countersign.verdict.effective_at = 1700000000000000000
        countersign.verdict.source.kind = "human"
        countersign.verdict.basis = "explicit"
    "#]],
    );
}

#[test]
fn one_with_everything() {
    check(
        Verdict::edited(0.25)
            .by(Source::System, "github")
            .basis(Basis::Implicit)
            .minutes(5.5)
            .round(2)
            .reason("wrong_tone")
            .supersedes("v-0")
            .policy_version("7"),
        expect![[r#"
            gen_ai.evaluation.name = "review.verdict"
            gen_ai.evaluation.score.label = "edited"
            gen_ai.evaluation.score.value = 0.75
            countersign.task.id = "T-1"
            countersign.verdict.id = "v-1"
            countersign.verdict.state = "edited"
            countersign.verdict.effective_at = 1700000000000000000
            countersign.verdict.source.kind = "system"
            countersign.verdict.source.system = "github"
            countersign.verdict.basis = "implicit"
            countersign.verdict.round = 2
            countersign.verdict.supersedes = "v-0"
            countersign.verdict.reason = "wrong_tone"
            countersign.verdict.edit_ratio = 0.25
            countersign.verdict.review_seconds = 330.0
            countersign.verdict.policy_version = "7"
        "#]],
    );
}

#[test]
fn nonsense_is_not_sent() {
    check(
        Verdict::rejected().minutes(f64::NAN).edit_ratio(f64::NAN).reason("é".repeat(64)),
        expect![[r#"
            gen_ai.evaluation.name = "review.verdict"
            gen_ai.evaluation.score.label = "rejected"
            gen_ai.evaluation.score.value = 0.0
            countersign.task.id = "T-1"
            countersign.verdict.id = "v-1"
            countersign.verdict.state = "rejected"
            countersign.verdict.effective_at = 1700000000000000000
            countersign.verdict.source.kind = "human"
            countersign.verdict.basis = "explicit"
            countersign.verdict.reason = "éééééééééééééééééééééééééééééééé"
        "#]],
    );
}

#[test]
fn one_from_inside_belongs_to_the_task_and_its_trace() {
    let kit = Kit::new();
    let _here = kit.attach();
    let task = Task::new("T-2").start();
    let first = task.verdict(Verdict::rejected().by(Source::Code, "tests"));
    let second = task.in_scope(|| Verdict::accepted().of_current_task().map(|v| v.send()));
    task.end();
    assert!(Verdict::accepted().of_current_task().is_none(), "outside of any task");

    let verdicts = kit.verdicts();
    let [inside, addressed] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert_eq!(inside.trace, kit.span("invoke_workflow").trace);
    assert_eq!(inside.text(names::TASK_ID), "T-2");
    assert_eq!(inside.text(names::VERDICT_ID), first);
    assert_eq!(addressed.text(names::TASK_ID), "T-2");
    assert_eq!(Some(addressed.text(names::VERDICT_ID)), second);
    assert_ne!(Some(first), second);
}

#[test]
fn words_are_read_back() {
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
    assert_eq!(State::parse("approved"), None);
}
