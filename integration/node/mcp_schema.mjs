// Reads messages of the Model Context Protocol, one a line,
//
//   {"name", "from": "client" | "server", "method": of the request it answers, "message"}
//
// and tells for each what the official SDK's schema has against it:
// {"name", "error"}, where error is "" for nothing.
import { createInterface } from "node:readline";
import * as mcp from "@modelcontextprotocol/sdk/types.js";

const results = {
  initialize: mcp.InitializeResultSchema,
  "tools/list": mcp.ListToolsResultSchema,
  "tools/call": mcp.CallToolResultSchema,
  "resources/read": mcp.ReadResourceResultSchema,
  "resources/list": mcp.ListResourcesResultSchema,
  "prompts/get": mcp.GetPromptResultSchema,
  "prompts/list": mcp.ListPromptsResultSchema,
};

// schemaOf is the schema of what one side may send of its own.
function schemaOf({ from, message }) {
  const list =
    from === "client"
      ? [mcp.ClientRequestSchema, mcp.ClientNotificationSchema]
      : [mcp.ServerRequestSchema, mcp.ServerNotificationSchema];
  return list["id" in message ? 0 : 1];
}

function check(m) {
  const errors = [];
  const look = (schema, value) => {
    const r = schema.safeParse(value);
    if (!r.success) errors.push(JSON.stringify(r.error.issues));
  };
  look(mcp.JSONRPCMessageSchema, m.message);
  if ("result" in m.message && m.from === "server") {
    look(results[m.method] ?? mcp.ResultSchema, m.message.result);
  }
  if ("method" in m.message && !m.message.method.startsWith("headgate/")) {
    look(schemaOf(m), m.message);
  }
  return errors.join("\n");
}

for await (const line of createInterface({ input: process.stdin })) {
  const m = JSON.parse(line);
  console.log(JSON.stringify({ name: m.name, error: check(m) }));
}
