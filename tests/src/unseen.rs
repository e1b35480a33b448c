//! Emitters and scenarios of which no run was recorded, written down from what is known of
//! their keys: what they report is counted once, in any order, and their content stays behind.

use expect_test::expect;

use crate::written::check;

#[test]
fn two_instrumentations_of_one_call_in_two_traces() {
    check(
        r#"
        span openinference.instrumentation.langchain 1 1 0 ChatOpenAI
          openinference.span.kind = LLM
          llm.model_name = gpt-4o-mini
          llm.token_count.prompt = 1100
          llm.token_count.completion = 51
          llm.token_count.prompt_details.cache_read = 512
          output.value = {"generations":[[{"text":"SECRET-A","message":{"lc":1,"id":["langchain","schema"],"kwargs":{"content":"SECRET-A","response_metadata":{"token_usage":{"total_tokens":1151},"id":"chatcmpl-run-000001"},"id":"lc_run--1"}}}]],"llm_output":{"id":"chatcmpl-run-000001"}}
        span openinference.instrumentation.openai 2 2 0 ChatCompletion
          openinference.span.kind = LLM
          llm.model_name = gpt-4o-mini-2024-07-18
          llm.token_count.prompt = 1100
          llm.token_count.completion = 51
          llm.token_count.prompt_details.cache_read = 512
          llm.token_count.completion_details.reasoning = 16
          output.value = {"id":"chatcmpl-run-000001","choices":[{"message":{"content":"SECRET-A"}}],"created":1,"model":"gpt-4o-mini-2024-07-18"}
        "#,
        &expect!["1 calls, 1100 in, 512 read, 51 out, 16 reasoning"],
    );
    check(
        "
        span opentelemetry.instrumentation.anthropic 1 1 0 anthropic.chat
          gen_ai.operation.name = chat
          gen_ai.response.id = msg_stream_0001
          gen_ai.usage.input_tokens = 3601
          gen_ai.usage.output_tokens = 62
          gen_ai.usage.cache_read.input_tokens = 3000
          gen_ai.usage.cache_creation.input_tokens = 400
        span com.anthropic.sdk.python 2 2 0 anthropic.messages.create
          gen_ai.operation.name = chat
          gen_ai.response.id = msg_stream_0001
          gen_ai.usage.input_tokens = 3601
          gen_ai.usage.output_tokens = 61
          gen_ai.usage.cache_read.input_tokens = 3000
          gen_ai.usage.cache_write.input_tokens = 400
        ",
        &expect!["1 calls, 3601 in, 3000 read, 400 write, 61 out"],
    );
}

#[test]
fn a_native_span_below_an_instrumentations() {
    let answered = "
        span opentelemetry.instrumentation.genai.anthropic 1 1 0 chat
          gen_ai.operation.name = chat
          gen_ai.response.id = msg_tools_00001
          gen_ai.usage.input_tokens = 3601
          gen_ai.usage.output_tokens = 61
          gen_ai.usage.cache_read.input_tokens = 3000
          gen_ai.usage.cache_creation.input_tokens = 400
          gen_ai.output.messages = SECRET-A
        span com.anthropic.sdk.python 1 2 1 anthropic.messages.create
          gen_ai.operation.name = chat
          http.request.resend_count = 1
    ";
    check(answered, &expect!["1 calls, 3601 in, 3000 read, 400 write, 61 out"]);
    check(
        "
        error opentelemetry.instrumentation.genai.anthropic 1 1 0 chat
          gen_ai.operation.name = chat
          error.type = InternalServerError
          event exception exception.message = SECRET-A
        error com.anthropic.sdk.python 1 2 1 anthropic.messages.create
          gen_ai.operation.name = chat
          error.type = api_error
          http.request.resend_count = 2
        ",
        &expect!["0 calls, 1 failed, 1 unknown"],
    );
}

#[test]
fn sums_of_agents() {
    check(
        "
        span openinference.instrumentation.smolagents 1 1 0 ToolCallingAgent.run
          openinference.span.kind = AGENT
          input.value = SECRET-A
          llm.token_count.prompt = 2300
          llm.token_count.completion = 103
        span openinference.instrumentation.smolagents 1 2 1 Step
          openinference.span.kind = CHAIN
        span openinference.instrumentation.smolagents 1 3 2 OpenAIServerModel.generate
          openinference.span.kind = LLM
          llm.token_count.prompt = 1100
          llm.token_count.completion = 51
        span openinference.instrumentation.smolagents 1 4 1 OpenAIServerModel.generate
          openinference.span.kind = LLM
          llm.token_count.prompt = 1200
          llm.token_count.completion = 52
        ",
        &expect!["2 calls, 2300 in, 103 out"],
    );
    check(
        "
        span agent_framework 1 1 0 invoke_agent
          gen_ai.operation.name = invoke_agent
          gen_ai.provider.name = microsoft.agent_framework
          gen_ai.usage.input_tokens = 2300
          gen_ai.usage.output_tokens = 103
          gen_ai.usage.cache_read.input_tokens = 512
          gen_ai.system_instructions = SECRET-A
        span agent_framework 1 2 1 chat
          gen_ai.operation.name = chat
          gen_ai.response.id = chatcmpl-maf-0001
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
          gen_ai.usage.cache_read.input_tokens = 512
          gen_ai.usage.reasoning.output_tokens = 16
        span agent_framework 1 3 1 chat
          gen_ai.operation.name = chat
          gen_ai.response.id = chatcmpl-maf-0002
          gen_ai.usage.input_tokens = 1200
          gen_ai.usage.output_tokens = 52
        ",
        &expect!["2 calls, 2300 in, 512 read, 103 out, 16 reasoning"],
    );
    check(
        r#"
        span strands.telemetry.tracer 1 1 0 invoke_agent
          gen_ai.operation.name = invoke_agent
          gen_ai.usage.input_tokens = 3600
          gen_ai.usage.output_tokens = 154
        span strands.telemetry.tracer 1 2 1 execute_event_loop_cycle
          gen_ai.operation.name = execute_event_loop_cycle
          event gen_ai.client.inference.operation.details gen_ai.input.messages = [{"SECRET-A":1}]
        span strands.telemetry.tracer 1 3 2 chat
          gen_ai.operation.name = chat
          gen_ai.provider.name = strands-agents
          gen_ai.usage.input_tokens = 1300
          gen_ai.usage.prompt_tokens = 1300
          gen_ai.usage.output_tokens = 53
          gen_ai.usage.completion_tokens = 53
          gen_ai.usage.total_tokens = 1353
          event gen_ai.client.inference.operation.details gen_ai.output.messages = SECRET-A
        "#,
        &expect!["1 calls, 1300 in, 53 out"],
    );
    check(
        "
        span unknown.remote 1 1 0 invoke_agent
          gen_ai.operation.name = invoke_agent
          gen_ai.usage.input_tokens = 900
          gen_ai.usage.output_tokens = 40
        ",
        &expect!["1 calls, 900 in, 40 out"],
    );
}

#[test]
fn parts_that_are_counted_apart() {
    check(
        r#"
        span langfuse-sdk 1 1 0 chain
          langfuse.observation.type = chain
          langfuse.observation.input = SECRET-A
        span langfuse-sdk 1 2 1 ChatOpenAI
          langfuse.observation.type = generation
          langfuse.observation.model.name = gpt-4o-mini
          langfuse.observation.output = {"role":"assistant","content":"SECRET-A"}
          langfuse.observation.usage_details = {"input":588,"output":35,"total":1151,"input_audio":0,"input_cache_read":512,"output_audio":0,"output_reasoning":16}
        "#,
        &expect!["1 calls, 1100 in, 512 read, 51 out, 16 reasoning"],
    );
    check(
        r#"
        span langfuse-sdk 1 1 0 ChatAnthropic
          langfuse.observation.type = generation
          langfuse.observation.model.name = claude-sonnet-4-5
          langfuse.observation.usage_details = {"input":201,"output":61,"total":3662,"input_cache_read":3000,"input_cache_creation":0,"input_ephemeral_5m_input_tokens":300,"input_ephemeral_1h_input_tokens":100}
        "#,
        &expect!["1 calls, 3601 in, 3000 read, 400 write, 61 out"],
    );
    check(
        "
        span openlit.instrumentation.anthropic 1 1 0 chat
          gen_ai.operation.name = chat
          gen_ai.provider.name = anthropic
          gen_ai.usage.input_tokens = 5000
          gen_ai.usage.output_tokens = 61
          gen_ai.usage.cache_read.input_tokens = 3000
          gen_ai.usage.cache_creation.input_tokens = 400
          gen_ai.client.token.usage = 5061
        ",
        &expect!["1 calls, 8400 in, 3000 read, 400 write, 61 out"],
    );
    check(
        r#"
        span mlflow 1 1 0 Messages.create
          mlflow.spanType = "CHAT_MODEL"
          mlflow.spanOutputs = {"id":"msg_mlflow_00001","content":"SECRET-A","model":"claude-sonnet-4-5"}
          mlflow.chat.tokenUsage = {"input_tokens":3601,"output_tokens":61,"total_tokens":3662,"cache_read_input_tokens":3000,"cache_creation_input_tokens":400}
        span com.anthropic.sdk.python 2 2 0 anthropic.messages.create
          gen_ai.operation.name = chat
          gen_ai.response.id = msg_mlflow_00001
          gen_ai.usage.input_tokens = 3601
          gen_ai.usage.output_tokens = 61
          gen_ai.usage.cache_read.input_tokens = 3000
          gen_ai.usage.cache_write.input_tokens = 400
        "#,
        &expect!["1 calls, 3601 in, 3000 read, 400 write, 61 out"],
    );
}

#[test]
fn numbers_as_texts_from_rust() {
    check(
        "
        span rs 1 1 0 invoke_agent
          target = rig::agent::prompt_request
          gen_ai.operation.name = invoke_agent
          gen_ai.agent.name = reviewer
          gen_ai.usage.input_tokens = '2300'
          gen_ai.usage.output_tokens = '103'
        span rs 1 2 1 chat
          target = rig::agent_chat
          gen_ai.operation.name = chat
          gen_ai.response.id = chatcmpl-rig-000001
          gen_ai.usage.input_tokens = '1100'
          gen_ai.usage.output_tokens = '51'
          gen_ai.usage.cache_read.input_tokens = '512'
          gen_ai.usage.reasoning_tokens = '16'
          gen_ai.output.messages = SECRET-A
        span rs 1 3 1 chat_streaming
          target = rig::agent_chat
          gen_ai.operation.name = chat_streaming
          gen_ai.usage.input_tokens = '1200'
          gen_ai.usage.output_tokens = '52'
        span rs 1 4 1 chat
          target = rig::agent_chat
          gen_ai.operation.name = chat
        ",
        &expect!["2 calls, 1 failed, 2300 in, 512 read, 103 out, 16 reasoning, 1 unknown"],
    );
    check(
        "
        span genai 1 1 0 embeddings text-embedding-3-small
          gen_ai.operation.name = embeddings
          gen_ai.response.model = text-embedding-3-small
          gen_ai.usage.input_tokens = 8
        span genai 1 2 0 execute_tool
          gen_ai.operation.name = execute_tool
          gen_ai.tool.name = get_weather
          gen_ai.tool.call.arguments = SECRET-A
        ",
        &expect!["1 calls, 8 in"],
    );
}

#[test]
fn microsofts_kernel_and_plain_logs() {
    check(
        r#"
        span semantic_kernel.utils.telemetry 1 1 0 invoke_agent reviewer
          gen_ai.operation.name = invoke_agent
          gen_ai.agent.name = reviewer
          gen_ai.input.messages = SECRET-A
        span semantic_kernel.utils.telemetry 1 2 1 chat.completions gpt-4o-mini
          gen_ai.operation.name = chat.completions
          gen_ai.system = openai
          gen_ai.request.model = gpt-4o-mini
          gen_ai.response.id = chatcmpl-sk-000001
          gen_ai.response.finish_reason = FinishReason.STOP
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
        span semantic_kernel.functions.kernel_function 1 3 1 execute_tool weather
          gen_ai.operation.name = execute_tool
          gen_ai.tool.name = weather
          gen_ai.tool.call.arguments = SECRET-A
        log semantic_kernel.functions Calling weather function with args: {"q": "SECRET-A"}
        log semantic_kernel.utils.telemetry {"role": "user", "content": "SECRET-A"}
          event.name = gen_ai.user.message
        "#,
        &expect!["1 calls, 1100 in, 51 out"],
    );
}

#[test]
fn workflows_and_tasks_around_calls() {
    check(
        "
        span opentelemetry.sdk.traceloop 1 1 0 review.workflow
          traceloop.span.kind = workflow
          traceloop.entity.name = review
          traceloop.entity.input = SECRET-A
        span opentelemetry.sdk.traceloop 1 2 1 read.task
          traceloop.span.kind = task
          traceloop.entity.output = SECRET-A
        span opentelemetry.instrumentation.openai.v1 1 3 2 openai.chat
          gen_ai.operation.name = chat
          traceloop.workflow.name = review
          gen_ai.response.id = chatcmpl-sdk-00001
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
          gen_ai.usage.total_tokens = 1151
          gen_ai.usage.reasoning_tokens = 16
          traceloop.association.properties.email = SECRET-A
        ",
        &expect!["1 calls, 1100 in, 51 out, 16 reasoning"],
    );
}

#[test]
fn each_attempt_of_the_ai_sdk_and_its_sums() {
    check(
        "
        span ai 1 1 0 ai.streamText
          ai.operationId = ai.streamText
          ai.usage.inputTokens = 1100
          ai.usage.outputTokens = 51
          ai.prompt = SECRET-A
        error ai 1 2 1 ai.streamText.doStream
          ai.operationId = ai.streamText.doStream
          event exception exception.message = SECRET-A
        span ai 1 3 1 ai.streamText.doStream
          ai.operationId = ai.streamText.doStream
          ai.response.id = chatcmpl-ai-0000001
          ai.usage.inputTokens = 1100
          ai.usage.outputTokens = 51
          ai.usage.cachedInputTokens = 512
          ai.usage.reasoningTokens = 16
          gen_ai.usage.input_tokens = 1100
        span ai 1 4 1 ai.toolCall
          ai.operationId = ai.toolCall
          ai.toolCall.args = SECRET-A
        ",
        &expect!["1 calls, 1 failed, 1100 in, 512 read, 51 out, 16 reasoning, 1 unknown"],
    );
    check(
        "
        span gen_ai 1 1 0 invoke_agent
          gen_ai.operation.name = invoke_agent
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
        span gen_ai 1 2 1 step
          gen_ai.operation.name = agent_step
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
        span gen_ai 1 3 2 chat
          gen_ai.operation.name = chat
          gen_ai.usage.input_tokens = 1100
          gen_ai.usage.output_tokens = 51
          ai.usage.outputTokenDetails.reasoningTokens = 16
        ",
        &expect!["1 calls, 1100 in, 51 out, 16 reasoning"],
    );
    check(
        "
        span ai 1 1 0 ai.embedMany
          ai.operationId = ai.embedMany
          ai.usage.tokens = 16
          ai.values = SECRET-A
        span ai 1 2 1 ai.embedMany.doEmbed
          ai.operationId = ai.embedMany.doEmbed
          ai.usage.tokens = 8
        span ai 1 3 1 ai.embedMany.doEmbed
          ai.operationId = ai.embedMany.doEmbed
          ai.usage.tokens = 8
        ",
        &expect!["2 calls, 16 in"],
    );
}

#[test]
fn a_span_that_only_repeats_in_a_log_of_its_own() {
    check(
        "
        span logfire.openai 1 1 0 Chat Completion with {request_data[model]!r}
          logfire.span_type = span
          gen_ai.operation.name = chat
          gen_ai.request.model = gpt-4o-mini
          request_data = SECRET-A
        span logfire.openai 1 2 0 streaming response from {request_data[model]!r} took
          logfire.span_type = log
          gen_ai.operation.name = chat
          gen_ai.request.model = gpt-4o-mini
          response_data = SECRET-A
          logfire.msg = SECRET-A
        ",
        &expect!["1 calls, 1 unknown"],
    );
}

#[test]
fn logs_of_commands_and_common_events() {
    check(
        "
        log codex_otel done
          event.name = codex.sse_event
          event.kind = response.completed
          conversation.id = c-1
          input_token_count = '1100'
          output_token_count = '51'
          cached_token_count = '512'
          reasoning_token_count = '16'
          tool_token_count = '1151'
        log codex_otel refused
          event.name = codex.api_request
          conversation.id = c-1
          attempt = 0
          http.response.status_code = 429
        log codex_otel asked
          event.name = codex.user_prompt
          prompt = SECRET-A
        ",
        &expect!["1 calls, 1 failed, 1100 in, 512 read, 51 out, 16 reasoning, 1 unknown"],
    );
    check(
        "
        log gemini-cli answered
          event.name = gemini_cli.api_response
          session.id = s-1
          input_token_count = 901
          output_token_count = 71
          cached_content_token_count = 256
          thoughts_token_count = 24
          total_token_count = 996
          response_text = SECRET-A
        log gemini-cli details
          event.name = gen_ai.client.inference.operation.details
          session.id = s-1
          gen_ai.operation.name = generate_content
          gen_ai.usage.input_tokens = 901
          gen_ai.usage.output_tokens = 71
          gen_ai.output.messages = SECRET-A
        span gemini-cli 1 1 0 llm_call
          gen_ai.operation.name = llm_call
          gen_ai.conversation.id = s-1
          session.id = s-1
          gen_ai.usage.input_tokens = 901
          gen_ai.usage.output_tokens = 71
        ",
        &expect!["1 calls, 901 in, 256 read, 95 out, 24 reasoning"],
    );
    check(
        "
        log com.anthropic.claude_code.events claude_code.api_request
          event.name = api_request
          session.id = s-1
          input_tokens = 201
          output_tokens = 61
          cache_read_tokens = 3000
          cache_creation_tokens = 400
        span com.anthropic.claude_code.tracing 1 1 0 claude_code.llm_request
          span.type = llm_request
          session.id = s-1
          input_tokens = 201
          output_tokens = 61
          cache_read_tokens = 3000
          cache_creation_tokens = 400
          attempt = 2
        ",
        &expect!["1 calls, 3601 in, 3000 read, 400 write, 61 out"],
    );
}

#[test]
fn a_manual_generation_beside_the_automatic_one() {
    check(
        r#"
        span langfuse-sdk 1 1 0 agent
          langfuse.observation.type = agent
          langfuse.observation.input = SECRET-A
        span langfuse-sdk 1 2 1 OpenAI-generation
          langfuse.observation.type = generation
          langfuse.observation.usage_details = {"prompt_tokens":1100,"completion_tokens":51,"total_tokens":1151,"prompt_tokens_details":{"cached_tokens":512},"completion_tokens_details":{"reasoning_tokens":16}}
        span langfuse-sdk 1 3 1 by-hand
          langfuse.observation.type = generation
          langfuse.observation.usage_details = {"input":10,"output":5}
          langfuse.observation.cost_details = {"total":0.001}
        "#,
        &expect!["2 calls, 1110 in, 512 read, 56 out, 16 reasoning"],
    );
}
