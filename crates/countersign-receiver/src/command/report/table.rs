//! The report as a table: accepted outcomes and what one costs first, tokens last.

use serde_json::Value;

/// The report of some totals, of outcomes by one or two groups, and of the last weeks.
pub(super) fn report(totals: &Value, outcomes: &[Value], cohorts: &Value) -> String {
    let mut text = String::new();
    if let Some(total) = outcomes.first().and_then(|outcomes| outcomes.get("total")) {
        for (name, figure) in head(total) {
            line(&mut text, name, &figure);
        }
    }
    for group in outcomes {
        text.push('\n');
        rows(&mut text, group);
    }
    weeks(&mut text, cohorts);
    text.push('\n');
    for (name, figure) in tail(totals) {
        line(&mut text, name, &figure);
    }
    text
}

fn line(text: &mut String, name: &str, figure: &str) {
    text.push_str(&format!("{name:<27}{figure}\n"));
}

fn head(total: &Value) -> Vec<(&'static str, String)> {
    let count = |pointer: &str| count(total, pointer);
    let percent = |pointer: &str| percent(total, pointer);
    let money = |pointer: &str| money(total, pointer);
    vec![
        (
            "accepted outcomes",
            format!(
                "{} ({} as they were, {} edited)",
                count("/net_served"),
                count("/tasks/accepted"),
                count("/tasks/edited")
            ),
        ),
        (
            "of these",
            format!(
                "{} confirmed, {} may still come back; {} unconfirmed are not counted yet",
                count("/standing/confirmed"),
                count("/standing/provisional"),
                count("/standing/unconfirmed")
            ),
        ),
        (
            "cost per accepted outcome",
            format!(
                "{} for models and tools, {} with review",
                money("/cost_usd/per_accepted"),
                money("/cost_usd/per_accepted_with_review")
            ),
        ),
        (
            "acceptance",
            format!(
                "{} (between {} and {} when all are judged)",
                percent("/rates/acceptance"),
                percent("/rates/acceptance_low"),
                percent("/rates/acceptance_high")
            ),
        ),
        (
            "rework",
            format!(
                "{}, right the first time {}, came back {}",
                percent("/rates/rework"),
                percent("/rates/first_pass_yield"),
                percent("/rates/defect")
            ),
        ),
        (
            "waiting for review",
            format!("{} for {}", count("/tasks/pending"), money("/cost_usd/pending")),
        ),
        (
            "not accepted",
            format!(
                "{} rejected, {} escalated, {} withdrawn, {} expired",
                count("/tasks/rejected"),
                count("/tasks/escalated"),
                count("/tasks/withdrawn"),
                count("/tasks/expired")
            ),
        ),
        (
            "time to verdict",
            format!(
                "median {}, 95 % within {}",
                duration(total, "/time_to_verdict_seconds/p50"),
                duration(total, "/time_to_verdict_seconds/p95")
            ),
        ),
        ("retries", retries(total)),
        (
            "known by its trace only",
            format!(
                "{} of the tasks, {} of the cost",
                percent("/fallback/tasks_share"),
                percent("/fallback/cost_share")
            ),
        ),
    ]
}

fn retries(row: &Value) -> String {
    let count = |layer: &str| count(row, &format!("/retries/{layer}"));
    format!(
        "{} transport, {} step, {} regeneration, {} round",
        count("transport"),
        count("step"),
        count("regeneration"),
        count("round")
    )
}

const COLUMNS: [&str; 9] = [
    "accepted",
    "per accepted",
    "with review",
    "acceptance",
    "rework",
    "pending",
    "to verdict",
    "spent",
    "tokens in/out",
];

/// One line for each row of a group, columns as wide as they have to be.
fn rows(text: &mut String, group: &Value) {
    let by = group.get("by").and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![[vec![by.to_owned()], COLUMNS.map(str::to_owned).to_vec()].concat()];
    for row in group.get("rows").and_then(Value::as_array).into_iter().flatten() {
        lines.push(cells(row));
    }
    align(text, &lines);
}

/// The weeks in which work began, with what is known of each.
fn weeks(text: &mut String, cohorts: &Value) {
    let weeks = cohorts.get("weeks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if weeks.is_empty() {
        return;
    }
    let head =
        ["week", "began", "accepted", "per accepted", "acceptance", "between", "decided", ""];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for week in weeks {
        let Some(total) = week.get("total") else { continue };
        let mature = total.get("mature").and_then(Value::as_bool).unwrap_or(false);
        lines.push(vec![
            week.get("cohort").and_then(Value::as_str).unwrap_or_default().to_owned(),
            count(total, "/started"),
            count(total, "/net_served"),
            money(total, "/cost_usd/per_accepted"),
            percent(total, "/acceptance"),
            format!(
                "{} and {}",
                percent(total, "/acceptance_low"),
                percent(total, "/acceptance_high")
            ),
            percent(total, "/decided_share"),
            if mature { "mature" } else { "not mature" }.to_owned(),
        ]);
    }
    text.push('\n');
    align(text, &lines);
}

/// Writes lines with columns as wide as they have to be.
fn align(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let mut shown = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            shown.push_str(&match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            });
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
}

fn cells(row: &Value) -> Vec<String> {
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    let name = if name.is_empty() { "(unnamed)" } else { name };
    let settled = number(row, "/cost_usd/settled").unwrap_or(0.0);
    let pending = number(row, "/cost_usd/pending").unwrap_or(0.0);
    let tokens = |kind: &str| count(row, &format!("/tokens/{kind}"));
    vec![
        name.to_owned(),
        count(row, "/net_served"),
        money(row, "/cost_usd/per_accepted"),
        money(row, "/cost_usd/per_accepted_with_review"),
        percent(row, "/rates/acceptance"),
        percent(row, "/rates/rework"),
        count(row, "/tasks/pending"),
        duration(row, "/time_to_verdict_seconds/p50"),
        dollars(settled + pending),
        format!("{}/{}", tokens("input"), tokens("output")),
    ]
}

fn tail(totals: &Value) -> Vec<(&'static str, String)> {
    let count = |pointer: &str| count(totals, pointer);
    let money = |pointer: &str| money(totals, pointer);
    vec![
        (
            "cost of models and tools",
            format!(
                "{} = {} judged + {} waiting + {} of no task",
                money("/cost_usd/incurred"),
                money("/cost_usd/settled"),
                money("/cost_usd/pending"),
                money("/cost_usd/unattributed")
            ),
        ),
        ("cost of review", money("/cost_usd/review")),
        (
            "calls",
            format!(
                "{} worked, {} failed, {} without a price",
                count("/calls/ok"),
                count("/calls/failed"),
                count("/unpriced_calls")
            ),
        ),
        (
            "tokens",
            format!(
                "{} in ({} read from cache, {} written to it), {} out ({} reasoning)",
                count("/tokens/input"),
                count("/tokens/cache_read"),
                count("/tokens/cache_write"),
                count("/tokens/output"),
                count("/tokens/reasoning")
            ),
        ),
    ]
}

/// A number of the JSON, also where it is written as text.
fn number(value: &Value, pointer: &str) -> Option<f64> {
    let value = value.pointer(pointer)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// What is not known: a ratio whose denominator is zero.
const UNKNOWN: &str = "–";

fn count(value: &Value, pointer: &str) -> String {
    let Some(number) = number(value, pointer) else { return UNKNOWN.to_owned() };
    if number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn money(value: &Value, pointer: &str) -> String {
    number(value, pointer).map_or_else(|| UNKNOWN.to_owned(), dollars)
}

/// Cents, and more digits where cents would hide everything.
fn dollars(amount: f64) -> String {
    if amount != 0.0 && amount.abs() < 0.1 {
        format!("${amount:.4}")
    } else {
        format!("${amount:.2}")
    }
}

fn percent(value: &Value, pointer: &str) -> String {
    let share = number(value, pointer);
    share.map_or_else(|| UNKNOWN.to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn duration(value: &Value, pointer: &str) -> String {
    let Some(seconds) = number(value, pointer) else { return UNKNOWN.to_owned() };
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];
    for (size, unit) in units {
        if seconds >= size {
            return format!("{:.1} {unit}", seconds / size);
        }
    }
    format!("{seconds:.1} s")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn accepted_outcomes_first_and_tokens_last() {
        let row = json!({
            "name": "pr-review",
            "tasks": {"pending": 1, "accepted": 4, "edited": 1, "rejected": 2, "escalated": 1,
                "withdrawn": 1, "expired": 0, "defect": 0},
            "net_served": 5,
            "standing": {"confirmed": 1, "provisional": 4, "unconfirmed": 2},
            "fallback": {"tasks_share": 0.1, "cost_share": 0.25},
            "cost_usd": {"settled": "12", "pending": "1", "per_accepted": "2.4",
                "per_accepted_with_review": "22.2"},
            "rates": {"acceptance": 0.5555, "acceptance_low": 0.5, "acceptance_high": 0.6,
                "first_pass_yield": 0.375, "rework": 0.375, "defect": 0.0},
            "time_to_verdict_seconds": {"p50": 90.0, "p95": 200_000.0},
            "retries": {"transport": 0, "step": 0, "regeneration": 2, "round": 2},
            "tokens": {"input": 1_234_567, "output": 890},
        });
        let nothing = json!({"name": "", "cost_usd": {"per_accepted": null, "pending": "0.00012"}});
        let outcomes = json!({"by": "workflow", "rows": [row, nothing], "total": row});
        let totals = json!({
            "calls": {"ok": 13, "failed": 0},
            "tokens": {"input": 1_234_567, "cache_read": 5, "cache_write": 0, "output": 890,
                "reasoning": 0},
            "cost_usd": {"incurred": "13", "settled": "12", "pending": "1", "unattributed": "0",
                "review": "99"},
            "unpriced_calls": 0,
        });
        let row = json!({"started": 10, "net_served": 5, "acceptance": 0.5555,
            "acceptance_low": 0.5, "acceptance_high": 0.6, "decided_share": 0.9, "mature": false,
            "cost_usd": {"per_accepted": "2.4"}});
        let cohorts = json!({"weeks": [{"cohort": "2026-W45", "total": row}]});
        expect![[r#"
            accepted outcomes          5 (4 as they were, 1 edited)
            of these                   1 confirmed, 4 may still come back; 2 unconfirmed are not counted yet
            cost per accepted outcome  $2.40 for models and tools, $22.20 with review
            acceptance                 55.5 % (between 50.0 % and 60.0 % when all are judged)
            rework                     37.5 %, right the first time 37.5 %, came back 0.0 %
            waiting for review         1 for $1.00
            not accepted               2 rejected, 1 escalated, 1 withdrawn, 0 expired
            time to verdict            median 1.5 min, 95 % within 2.3 d
            retries                    0 transport, 0 step, 2 regeneration, 2 round
            known by its trace only    10.0 % of the tasks, 25.0 % of the cost

            workflow   accepted  per accepted  with review  acceptance  rework  pending  to verdict    spent  tokens in/out
            pr-review         5         $2.40       $22.20      55.5 %  37.5 %        1     1.5 min   $13.00  1,234,567/890
            (unnamed)         –             –            –           –       –        –           –  $0.0001            –/–

            week      began  accepted  per accepted  acceptance            between  decided
            2026-W45     10         5         $2.40      55.5 %  50.0 % and 60.0 %   90.0 %  not mature

            cost of models and tools   $13.00 = $12.00 judged + $1.00 waiting + $0.00 of no task
            cost of review             $99.00
            calls                      13 worked, 0 failed, 0 without a price
            tokens                     1,234,567 in (5 read from cache, 0 written to it), 890 out (0 reasoning)
        "#]].assert_eq(&super::report(&totals, &[outcomes], &cohorts));
    }
}
