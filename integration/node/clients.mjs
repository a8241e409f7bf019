// Plays stories with OpenAI's client for Node, as it comes but for the base
// URL. The Go test TestNodeClient starts it, tells it the stories and checks
// what it saw:
//
//   stdin   a line of JSON for each story: name, base_url, key, api, stream, body
//   stdout  a line of JSON for each, in the order in which they end: name, the
//           error's class ("" for a reply), what was seen, the bodies sent, and
//           the Headgate-Request-Id of each answer

import { createInterface } from 'node:readline';
import OpenAI from 'openai';

async function play({ name, base_url, key, api, stream, body }) {
  const sent = [];
  const ids = [];
  const client = new OpenAI({
    baseURL: base_url,
    apiKey: key,
    fetch: async (url, init) => {
      sent.push(init.body);
      const response = await fetch(url, init);
      ids.push(response.headers.get('headgate-request-id') ?? '');
      return response;
    },
  });
  const seen = { status: 0, code: '', message: '', model: '', choices: null, usage: false, partial: '' };
  let error = '';
  try {
    const reply = await ask(client, api, stream, body, (text) => (seen.partial += text));
    seen.partial = '';
    seen.model = reply.model;
    seen.usage = (reply.usage?.total_tokens ?? 0) > 0;
    seen.choices = reply.choices.map(({ message, finish_reason }) => ({
      text: message.content ?? '',
      // Array.from shows a gap between indices, which map alone would skip.
      calls: message.tool_calls ? Array.from(message.tool_calls, shown) : null,
      finish: finish_reason,
    }));
  } catch (e) {
    error = e.constructor.name;
    seen.status = e.status ?? 0;
    seen.code = e.code ?? '';
    seen.message = e.error?.message ?? e.message;
  }
  seen.requests = sent.length;
  console.log(JSON.stringify({ name, class: error, seen, sent, ids }));
}

function ask(client, api, stream, body, heard) {
  if (api === 'unheard') return client.post('/unheard', { body });
  if (!stream) return client.chat.completions.create(body);
  return client.chat.completions.stream(body).on('content', heard).finalChatCompletion();
}

function shown(call) {
  if (!call?.id || call.type !== 'function') return `a call without id or type: ${JSON.stringify(call)}`;
  return `${call.function.name} ${call.function.arguments}`;
}

const stories = [];
for await (const line of createInterface({ input: process.stdin })) {
  stories.push(play(JSON.parse(line)));
}
await Promise.all(stories);
