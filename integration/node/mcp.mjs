// Calls tools with the Model Context Protocol's own client for Node. The Go test
// TestNodeMCP starts it and checks what it saw:
//
//   stdin   a line of JSON: url, key, and calls: tool, arguments, progress
//   stdout  a line of JSON: tools (names), results in the order of the calls, and
//           the Headgate-Request-Id of each answer

import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { url, key, calls } = JSON.parse(line);
  const ids = [];
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      // The stream that it asks for beside its calls comes when it comes.
      if (init.method === 'POST') ids.push(response.headers.get('headgate-request-id') ?? '');
      return response;
    },
  });
  const client = new Client({ name: 'stories', version: '1.0.0' });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const results = [];
  for (const call of calls) {
    const seen = { text: '', structured: null, failed: false, error: '', progress: 0 };
    const asked = ids.length;
    try {
      const options = call.progress ? { onprogress: () => seen.progress++ } : undefined;
      const result = await client.callTool({ name: call.tool, arguments: call.arguments }, undefined, options);
      seen.text = result.content.map((part) => part.text).join('\n');
      seen.structured = result.structuredContent ?? null;
      seen.failed = result.isError ?? false;
    } catch (e) {
      seen.error = `${e.constructor.name} ${e.code}: ${e.message}`;
    }
    results.push({ ...seen, requests: ids.length - asked });
  }
  await client.close();
  console.log(JSON.stringify({ tools: tools.map((tool) => tool.name), results, ids }));
}
