//! Sums at every level of a framework, written down as in `unseen`: the lowest count.

use expect_test::expect;

use crate::written::check;

#[test]
fn frameworks_that_sum_at_every_level() {
    check(
        r#"
        span @mastra/otel-exporter 1 1 0 invoke_agent
          mastra.span.type = agent_run
          gen_ai.operation.name = invoke_agent
          mastra.agent_run.input = SECRET-A
        span @mastra/otel-exporter 1 2 1 chat
          mastra.span.type = model_generation
          gen_ai.operation.name = chat
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
          mastra.metadata.body = SECRET-A
        span @mastra/otel-exporter 1 3 2 model_step
          mastra.span.type = model_step
          gen_ai.operation.name = agent_step
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
          mastra.model_step.output = SECRET-A
        span @mastra/otel-exporter 1 4 3 model_chunk
          mastra.span.type = model_chunk
          gen_ai.operation.name = model_chunk
        "#,
        &expect!["1 calls, 1100 in, 51 out"],
    );
    check(
        r#"
        span openinference.instrumentation.crewai 1 1 0 Crew.kickoff
          openinference.span.kind = CHAIN
          output.value = SECRET-A
        span openinference.instrumentation.crewai 1 2 1 Agent._execute_core
          openinference.span.kind = AGENT
        span openinference.instrumentation.litellm 1 3 2 completion
          openinference.span.kind = LLM
          llm.token_count.prompt = 1100
          llm.token_count.completion = 51
          output.value = SECRET-A
        span openinference.instrumentation.openai 1 4 3 ChatCompletion
          openinference.span.kind = LLM
          llm.token_count.prompt = 1100
          llm.token_count.completion = 51
          output.value = {"id":"chatcmpl-crew-00001","model":"gpt-4o-mini"}
        "#,
        &expect!["1 calls, 1100 in, 51 out"],
    );
    check(
        "
        span github.copilot 1 1 0 invoke_agent
          gen_ai.operation.name = invoke_agent
          gen_ai.usage.input_tokens = 2300
          gen_ai.usage.output_tokens = 103
          github.copilot.cost = 2
        span github.copilot 1 2 1 chat
          gen_ai.operation.name = chat
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
        span github.copilot 1 3 1 execute_tool bash
          gen_ai.operation.name = execute_tool
          gen_ai.tool.name = bash
          github.copilot.tool.parameters.command = SECRET-A
        span github.copilot 1 4 1 chat
          gen_ai.operation.name = chat
          gen_ai.usage.input_tokens = 1200
          gen_ai.usage.output_tokens = 52
        ",
        &expect!["2 calls, 2300 in, 103 out"],
    );
}
