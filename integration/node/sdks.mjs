// Plays stories with clients for Node, as they come but for the base URL: their
// retries are on. The Go tests start it, tell it the stories and check what it
// saw:
//
//   stdin   a line of JSON for each story: name, client, base_url, key, stream,
//           model, system, prompt, tools (names)
//   stdout  a line of JSON for each, in the order in which they end: name, what
//           was seen, and the Headgate-Request-Id of each answer

import { createInterface } from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, run, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText, tool as aiTool } from 'ai';
import { z } from 'zod';

setTracingDisabled(true);
globalThis.AI_SDK_LOG_WARNINGS = false; // it would write them between the lines of JSON

const parameters = { type: 'object', properties: { q: { type: 'string' } }, additionalProperties: true };

// messages is the npm package @anthropic-ai/sdk.
async function messages({ base_url, key, stream, model, system, prompt, tools }, fetch, seen) {
  const client = new Anthropic({ baseURL: base_url, apiKey: key, fetch });
  const body = {
    model, system, max_tokens: 64, messages: [{ role: 'user', content: prompt }],
    tools: tools.map((name) => ({ name, description: `Does ${name}.`, input_schema: parameters })),
  };
  const reply = stream
    ? await client.messages.stream(body).on('text', (text) => (seen.partial += text)).finalMessage()
    : await client.messages.create(body);
  for (const block of reply.content) {
    if (block.type === 'text') seen.texts.push(block.text);
    if (block.type === 'tool_use') seen.calls.push(`${block.name} ${JSON.stringify(block.input)}`);
  }
  seen.finish = reply.stop_reason;
}

// responses is the npm package openai with OpenAI's responses.
async function responses({ base_url, key, stream, model, system, prompt, tools }, fetch, seen) {
  const client = new OpenAI({ baseURL: base_url, apiKey: key, fetch });
  const body = {
    model, instructions: system, input: prompt,
    tools: tools.map((name) => ({ type: 'function', name, description: `Does ${name}.`, parameters, strict: false })),
  };
  let reply;
  if (stream) {
    const events = client.responses.stream(body);
    events.on('response.output_text.delta', (event) => (seen.partial += event.delta));
    reply = await events.finalResponse();
  } else {
    reply = await client.responses.create(body);
  }
  for (const item of reply.output) {
    if (item.type === 'message') seen.texts.push(...item.content.map((part) => part.text));
    if (item.type === 'function_call') seen.calls.push(`${item.name} ${item.arguments}`);
  }
  seen.finish = reply.status;
}

// ai is the npm package ai with one of its providers; no tool is carried out.
const ai = (provider) => async (story, fetch, seen) => {
  const { stream, system, prompt, tools } = story;
  const options = {
    model: provider(story, fetch), system, prompt,
    tools: Object.fromEntries(tools.map((name) => [name, aiTool({ description: `Does ${name}.`, inputSchema: z.looseObject({}) })])),
  };
  let content;
  if (stream) {
    const result = streamText({ ...options, onError: () => {} });
    for await (const part of result.fullStream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-delta') seen.partial += part.text;
    }
    content = await result.content;
    seen.finish = await result.finishReason;
  } else {
    const result = await generateText(options);
    content = result.content;
    seen.finish = result.finishReason;
  }
  for (const part of content) {
    if (part.type === 'text') seen.texts.push(part.text);
    if (part.type === 'tool-call') seen.calls.push(`${part.toolName} ${JSON.stringify(part.input)}`);
  }
};

// agents is the npm package @openai/agents: it carries the tools out, and goes
// on until the model has no more calls.
const agents = (Model) => async ({ base_url, key, stream, model, system, prompt, tools }, fetch, seen) => {
  const client = new OpenAI({ baseURL: base_url, apiKey: key, fetch });
  const agent = new Agent({
    name: 'agent', instructions: system, model: new Model(client, model),
    tools: tools.map((name) =>
      agentTool({
        name, description: `Does ${name}.`, parameters, strict: false,
        execute: (input) => {
          seen.calls.push(`${name} ${JSON.stringify(input)}`);
          return `${name} did it`;
        },
      }),
    ),
  });
  let result;
  if (stream) {
    result = await run(agent, prompt, { stream: true });
    for await (const text of result.toTextStream()) seen.partial += text;
    await result.completed;
    if (result.error) throw result.error;
  } else {
    result = await run(agent, prompt);
  }
  seen.texts.push(result.finalOutput);
};

const clients = {
  anthropic: messages,
  'ai-chat': ai(({ base_url, key, model }, fetch) => createOpenAI({ baseURL: base_url, apiKey: key, fetch }).chat(model)),
  'ai-anthropic': ai(({ base_url, key, model }, fetch) => createAnthropic({ baseURL: base_url, apiKey: key, fetch })(model)),
  'agents-chat': agents(OpenAIChatCompletionsModel),
  responses,
  'ai-responses': ai(({ base_url, key, model }, fetch) => createOpenAI({ baseURL: base_url, apiKey: key, fetch })(model)),
  'agents-responses': agents(OpenAIResponsesModel),
};

async function play(story) {
  const ids = [];
  const counted = async (url, init) => {
    const response = await fetch(url, init);
    ids.push(response.headers.get('headgate-request-id') ?? '');
    return response;
  };
  const seen = { class: '', status: 0, message: '', texts: [], calls: [], finish: '', partial: '' };
  try {
    await clients[story.client](story, counted, seen);
    seen.partial = ''; // it is in texts
  } catch (e) {
    seen.class = e?.constructor?.name ?? typeof e;
    seen.status = e?.status ?? e?.statusCode ?? 0;
    // Anthropic's error is nested in the body, OpenAI's is the body's member.
    seen.message = e?.error?.error?.message ?? e?.error?.message ?? e?.message ?? JSON.stringify(e);
    seen.texts = [];
  }
  console.log(JSON.stringify({ name: story.name, seen, ids }));
}

const stories = [];
for await (const line of createInterface({ input: process.stdin })) {
  stories.push(play(JSON.parse(line)));
}
await Promise.all(stories);
