//! One test for each check, by its name, against our own program; and all of them against a
//! plain server, which shows that they can fail.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, OnceLock};

use countersign_conformance::run::run;
use countersign_conformance::{CHECKS, Finding, Program, Target};
use expect_test::expect;
use libtest_mimic::{Arguments, Failed, Trial};

/// Tests that run at a time: most of them wait for a socket or a deadline.
const AT_A_TIME: usize = 16;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let target = Arc::new(OnceLock::new());
    let mut trials = vec![
        Trial::test("every_number_has_one_check", numbers),
        Trial::test("the_plain_server_fails_where_it_should", plain),
    ];
    trials.extend(CHECKS.iter().map(|check| {
        let target = Arc::clone(&target);
        Trial::test(check.name, move || match (check.run)(target.get_or_init(ours)) {
            Ok(()) | Err(Finding::Differs(_)) => Ok(()),
            Err(Finding::Fails(why)) => Err(why.into()),
            Err(Finding::DoesNotApply(why)) => Err(format!("does not apply: {why}").into()),
        })
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The server ends with its owner.
    drop(target);
    conclusion.exit_code()
}

fn ours() -> Target {
    let program = Program(env!("CARGO_BIN_EXE_conformance").into());
    Target::ours(program).expect("our own program starts")
}

fn numbers() -> Result<(), Failed> {
    let numbers: Vec<u16> = CHECKS.iter().map(countersign_conformance::Check::number).collect();
    if numbers == (1..=110).collect::<Vec<_>>() { Ok(()) } else { Err("not 1 to 110".into()) }
}

/// The checks that a plain server fails, of those that can be seen from outside.
fn plain() -> Result<(), Failed> {
    let mut server = Command::new(env!("CARGO_BIN_EXE_plain-otlp"))
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = server.stdout.take().ok_or("no stdout")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let (grpc, http) = line.trim().split_once(' ').ok_or("no addresses")?;
    let target = Target::at(Some(http.parse()?), Some(grpc.parse()?));
    let found = run(CHECKS, &target);
    server.kill()?;
    server.wait()?;
    let failed = found.iter().filter(|(_, found)| matches!(found, Err(Finding::Fails(_))));
    let names: String = failed.map(|(check, _)| format!("{}\n", check.name)).collect();
    std::panic::catch_unwind(|| {
        expect![[r#"
        c002_json_is_taken
        c003_content_type_is_read_as_mime
        c004_empty_requests_are_taken
        c005_empty_json_is_refused
        c006_other_content_types_are_refused
        c007_other_methods_are_refused
        c008_other_paths_are_unknown
        c009_gzip_is_taken
        c010_identity_is_taken
        c012_unknown_codings_are_refused
        c013_two_codings_are_refused
        c014_plain_bytes_are_no_gzip
        c015_damaged_gzip_is_refused
        c017_bytes_behind_gzip_are_refused
        c018_too_large_by_length
        c019_too_large_in_chunks
        c020_too_large_unpacked
        c021_too_many_records
        c022_malformed_protobuf_is_refused
        c023_bad_records_are_counted
        c024_repairs_are_warnings
        c032_answers_are_packed_on_request_only
        c033_expectations_are_met_after_the_head
        c035_too_many_headers
        c036_slow_senders_are_given_up
        c037_pipelined_requests_keep_their_order
        c038_other_versions_of_http
        c040_web_pages_are_kept_out
        c049_too_large_is_final
        c051_malformed_is_invalid
        c056_deadlines_are_kept
        c060_two_messages_are_refused
        c061_other_content_types_are_refused
        c063_streams_are_limited
        c065_silent_connections_are_let_go
        c066_health_is_true
        c068_both_protocols_agree
        c069_ids_are_hex_of_any_case
        c070_ids_are_no_base64
        c071_ids_have_their_length
        c072_no_parent_is_a_root
        c073_zero_is_no_id
        c074_integers_are_texts_or_numbers
        c075_integral_floats_are_integers
        c076_numbers_have_their_range
        c077_enumerations_are_numbers
        c078_names_of_enumerations_are_forgiven
        c079_unknown_fields_are_ignored
        c080_snake_case_is_unknown
        c081_null_is_the_default
        c082_the_last_of_equal_keys_counts
        c083_doubles_are_texts_too
        c084_too_large_doubles_are_rejected
        c085_bytes_are_any_base64
        c086_values_may_be_empty
        c087_lists_may_be_empty
        c088_one_of_several_values_counts
        c089_broken_texts_are_repaired
        c090_depth_is_no_danger
        c091_one_json_value_and_nothing_else
        c092_size_costs_no_more_than_size
        c093_broken_texts_are_repaired
        c094_depth_is_no_danger
        c095_ids_have_their_length
        c100_golden_requests_are_taken
    "#]]
        .assert_eq(&names)
    })
    .map_err(|_| "it fails elsewhere".into())
}
