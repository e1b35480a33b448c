//! The checks, by their numbers.

mod access;
mod coding;
mod connection;
mod exporter;
mod grpc;
mod http;
mod json;
mod overload;
mod protobuf;
mod streams;

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::finding::{Found, fails};
use crate::otlp::{Id, span, spans};
use crate::ours::Server;
use crate::target::Target;

pub(crate) use self::coding::structural_bombs;

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its number and what it is about: `c001_protobuf_is_taken`.
    pub name: &'static str,
    /// Does it.
    pub run: fn(&Target) -> Found,
}

impl Check {
    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.name.get(1..4).and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

macro_rules! table {
    ($($module:ident::$name:ident)*) => {
        &[$(Check { name: stringify!($name), run: $module::$name }),*]
    };
}

/// All checks, in the order of their numbers.
pub const CHECKS: &[Check] = table![
    http::c001_protobuf_is_taken
    http::c002_json_is_taken
    http::c003_content_type_is_read_as_mime
    http::c004_empty_requests_are_taken
    http::c005_empty_json_is_refused
    http::c006_other_content_types_are_refused
    http::c007_other_methods_are_refused
    http::c008_other_paths_are_unknown
    coding::c009_gzip_is_taken
    coding::c010_identity_is_taken
    coding::c011_codings_have_no_case
    coding::c012_unknown_codings_are_refused
    coding::c013_two_codings_are_refused
    coding::c014_plain_bytes_are_no_gzip
    coding::c015_damaged_gzip_is_refused
    coding::c016_all_members_of_gzip_count
    coding::c017_bytes_behind_gzip_are_refused
    coding::c018_too_large_by_length
    coding::c019_too_large_in_chunks
    coding::c020_too_large_unpacked
    coding::c021_too_many_records
    http::c022_malformed_protobuf_is_refused
    http::c023_bad_records_are_counted
    http::c024_repairs_are_warnings
    http::c025_repetitions_count_once
    access::c026_strangers_are_refused_at_the_head
    access::c027_other_scopes_are_forbidden
    access::c028_rates_are_limited
    overload::c029_overload_asks_to_retry
    http::c030_only_retryable_codes_ask_to_retry
    http::c031_answers_are_short
    http::c032_answers_are_packed_on_request_only
    connection::c033_expectations_are_met_after_the_head
    connection::c034_ambiguous_lengths_are_refused
    coding::c035_too_many_headers
    connection::c036_slow_senders_are_given_up
    connection::c037_pipelined_requests_keep_their_order
    connection::c038_other_versions_of_http
    connection::c039_no_cross_origin_by_default
    connection::c040_web_pages_are_kept_out
    overload::c041_a_stop_finishes_what_is_open
    grpc::c042_exports_are_taken
    grpc::c043_unknown_methods_are_unimplemented
    grpc::c044_odd_paths_reach_nothing
    grpc::c045_gzip_is_taken
    grpc::c046_unknown_encodings_are_unimplemented
    grpc::c047_packed_without_a_name_is_internal
    grpc::c048_unknown_flags_are_internal
    grpc::c049_too_large_is_final
    grpc::c050_claims_reserve_nothing
    grpc::c051_malformed_is_invalid
    grpc::c052_empty_messages_are_taken
    access::c053_strangers_are_refused_at_the_head
    access::c054_other_scopes_are_forbidden
    overload::c055_grpc_overload_asks_to_retry
    grpc::c056_deadlines_are_kept
    grpc::c057_cancelled_calls_leave_no_halves
    grpc::c058_bad_deadlines_do_no_harm
    grpc::c059_status_texts_are_short
    grpc::c060_two_messages_are_refused
    grpc::c061_other_content_types_are_refused
    grpc::c062_bad_binary_metadata_does_no_harm
    streams::c063_streams_are_limited
    streams::c064_floods_are_stopped
    streams::c065_silent_connections_are_let_go
    overload::c066_health_is_true
    grpc::c067_reflection_is_off
    grpc::c068_both_protocols_agree
    json::c069_ids_are_hex_of_any_case
    json::c070_ids_are_no_base64
    json::c071_ids_have_their_length
    json::c072_no_parent_is_a_root
    json::c073_zero_is_no_id
    json::c074_integers_are_texts_or_numbers
    json::c075_integral_floats_are_integers
    json::c076_numbers_have_their_range
    json::c077_enumerations_are_numbers
    json::c078_names_of_enumerations_are_forgiven
    json::c079_unknown_fields_are_ignored
    json::c080_snake_case_is_unknown
    json::c081_null_is_the_default
    json::c082_the_last_of_equal_keys_counts
    json::c083_doubles_are_texts_too
    json::c084_too_large_doubles_are_rejected
    json::c085_bytes_are_any_base64
    json::c086_values_may_be_empty
    json::c087_lists_may_be_empty
    json::c088_one_of_several_values_counts
    json::c089_broken_texts_are_repaired
    json::c090_depth_is_no_danger
    json::c091_one_json_value_and_nothing_else
    json::c092_size_costs_no_more_than_size
    protobuf::c093_broken_texts_are_repaired
    protobuf::c094_depth_is_no_danger
    protobuf::c095_ids_have_their_length
    protobuf::c096_unknown_fields_are_kept
    protobuf::c097_attributes_have_any_type
    protobuf::c098_pieces_are_merged
    protobuf::c099_indexes_of_profiles_are_ignored
    protobuf::c100_golden_requests_are_taken
    exporter::c101_permanent_refusals_are_not_repeated
    exporter::c102_temporary_refusals_are_repeated
    exporter::c103_lost_connections_are_retried
    exporter::c104_grpc_codes_have_their_meaning
    exporter::c105_partial_success_is_not_repeated
    exporter::c106_answers_are_not_trusted
    exporter::c107_waits_grow_and_never_end
    exporter::c108_redirects_are_not_followed
    exporter::c109_too_large_batches_are_split
    exporter::c110_points_rise_in_time
];

/// An attribute with a text.
fn text_attribute(key: &str, value: &str) -> KeyValue {
    let value = any_value::Value::StringValue(value.to_owned());
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// A call of a model that costs something, with more attributes.
fn call_span(id: Id, more: &[KeyValue]) -> Span {
    let count = |key: &str, value: i64| {
        let value = Some(AnyValue { value: Some(any_value::Value::IntValue(value)) });
        KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
    };
    let mut call = span(id);
    call.kind = 3;
    call.attributes = vec![
        text_attribute("gen_ai.operation.name", "chat"),
        text_attribute("gen_ai.provider.name", "openai"),
        text_attribute("gen_ai.request.model", "gpt-4o-mini"),
        text_attribute("gen_ai.response.id", &format!("response-{}", id.span_hex())),
        count("gen_ai.usage.input_tokens", 1_000),
        count("gen_ai.usage.output_tokens", 50),
    ];
    call.attributes.extend_from_slice(more);
    call
}

/// A request with a call of a task.
fn billed_call(id: Id, task: &str) -> Vec<u8> {
    spans(vec![call_span(id, &[text_attribute("countersign.task.id", task)])])
}

/// Waits until all that was taken is booked.
fn wait_until_booked(server: &Server) -> Found {
    for _ in 0..900 {
        let status = server.json("/api/v1/status")?;
        if status["booked_to"].as_u64() >= status["position"].as_u64() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    fails("it is not booked after 90 s")
}
