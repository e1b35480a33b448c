//! Other processes: what the environment sets up, and a task that goes on in a child.
//!
//! The child is this test binary, told to run the one test that plays it.

use std::process::{Command, Output};

use countersign::{Call, Operation, Task, Usage, propagation};

use crate::pipelines::{contains, receiver};

/// Set for a child, so that the test that plays it does nothing in any other run.
const CHILD: &str = "COUNTERSIGN_TEST_CHILD";

fn child(variables: &[(&str, &str)]) -> Output {
    let binary = std::env::current_exe().unwrap();
    Command::new(binary)
        .args(["--exact", "processes::plays_the_child", "--nocapture"])
        .env(CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn plays_the_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let telemetry = match countersign::init() {
        Ok(telemetry) => telemetry,
        Err(error) => return println!("refused: {error}"),
    };
    let inside = propagation::from_environment().attach();
    Call::new(Operation::Chat, "openai", "gpt-4o").start().usage(Usage::new(3, 1)).end();
    drop(inside);
    match telemetry.shutdown() {
        Ok(()) => println!("sent"),
        Err(error) => println!("lost: {error}"),
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_environment_says_where_and_who_and_the_child_is_part_of_the_task() {
    let (base_url, seen) = receiver(200);
    let task = Task::new("T-1").workflow("memo").start();
    let carried = propagation::environment(&task.context());
    let mut variables: Vec<(&str, &str)> =
        carried.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.extend([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", base_url.as_str()),
        ("OTEL_SERVICE_NAME", "helper"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.instance.id=one"),
    ]);
    let output = child(&variables);
    assert!(said(&output).contains("sent"), "{output:?}");
    let (path, spans) = seen.recv().unwrap();
    assert_eq!(path, "/v1/traces");
    for text in ["helper", "deployment.environment.name", "one", "T-1", "memo", "chat gpt-4o"] {
        assert!(contains(&spans, text), "{text}");
    }
}

#[test]
fn disabled_means_that_nothing_is_sent_and_nothing_is_lost() {
    let (base_url, seen) = receiver(200);
    let output =
        child(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", base_url.as_str())]);
    assert!(said(&output).contains("sent"), "{output:?}");
    assert!(seen.try_recv().is_err());
}

#[test]
fn what_the_sampler_leaves_out_is_not_lost() {
    let (base_url, seen) = receiver(200);
    let output = child(&[
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", base_url.as_str()),
    ]);
    assert!(said(&output).contains("sent"), "{output:?}");
    assert!(seen.try_recv().is_err());
}

#[test]
fn a_variable_that_cannot_be_used_is_named() {
    let output = child(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")]);
    let said = said(&output);
    assert!(
        said.contains(
            "refused: OTEL_EXPORTER_OTLP_PROTOCOL is `carrier-pigeon`: \
             set it to `http/protobuf` or `grpc`, or unset it"
        ),
        "{said}"
    );
}
