// Package allowlist is the second policy layer: one JSON document of
// blocked_agents, allowed_orgs, capabilities and tool_rules, which can also
// carry Rego for the first layer.
//
// A [List] decides alone, without a policy language. An [Engine] puts it behind
// another policy. It then restricts that policy further; with fall-through it
// also decides where that policy gave no answer. The Rego of the document goes
// to that policy, which has to be a [Source]. List and Rego come into force
// together: a request sees both of one document, and a document is refused whole
// where one of the two is faulty. A [Document] is the document as data, for
// those who write it: [Save], or [Engine.Replace] for the one in force.
//
// # The document
//
//	{
//	  "policy_rules": {
//	    "blocked_agents": ["orga::rogue"],
//	    "allowed_orgs":   ["orgb"],
//	    "capabilities":   ["kyc.read"],
//	    "tool_rules": {
//	      "blocked_tools": ["shell"],
//	      "allowed_tools": ["search", "wire"],
//	      "wire": {
//	        "allowed_principals":  ["orga::treasury"],
//	        "denied_principals":   ["orga::intern"],
//	        "allowed_models":      ["gpt-4o"],
//	        "allowed_mcp_servers": ["bank"]
//	      }
//	    },
//	    "rego": "package cullis.policy\n…"
//	  }
//	}
//
// The rules may also stand at the top level, and rego beside policy_rules.
// rego_wasm_base64, what rego was compiled to, is passed over with a warning and
// never written. The rule of a tool may have the objects scope, rate_limit and obligations, which
// are kept for others and decide nothing; a warning says so. Every other key, a
// wrong type, an empty name, a name with a wildcard or with blanks around it,
// and a key that is written twice are errors: a document that is not understood
// never comes into force. Faults are told as file:line:col, those of the Rego as
// file#rego:line:col with the line in the Rego.
//
// # What is asked at which stage
//
// pre_chat: blocked_agents. pre_tool: blocked_agents, then tool_rules. session:
// blocked_agents, allowed_orgs, capabilities. The list has no word on post_chat
// and post_tool, which pass.
//
//   - blocked_agents: the caller; of a session the initiator and the target.
//   - allowed_orgs: the peer's organisation, which is the initiator's where
//     session_context is "target" and else the target's. Empty: any.
//   - capabilities: every one that a session asks for must be listed. Empty, or
//     an empty object: any.
//   - tool_rules: all that is written has to agree. A tool in blocked_tools is
//     denied. With allowed_tools, an empty one included, any other tool is
//     denied. With one named rule or more, a tool without a rule of its own is
//     denied. In a rule, denied beats allowed, and a list that is present and
//     empty allows nothing. A tool whose name is unknown is denied by any
//     tool_rules that hold a rule, and so is a call whose model or server is
//     unknown where the rule lists models or servers.
//
// # Names
//
// Names are compared byte by byte. An agent goes by its agent_id and, where that
// holds no "::", also by tenant_id::agent_id (of a session: org::agent). A user
// goes by tenant_id::user::user_id, where neither part holds "::". Only these
// names can allow: users choose their own names in many directories, and one of
// them must not become an agent. What denies (blocked_agents, denied_principals)
// is read more widely: user_id and tenant_id::user_id count too. A tenant alone
// is no name. A caller without a name is on no list.
package allowlist
