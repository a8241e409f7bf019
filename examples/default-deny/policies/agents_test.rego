package headgate_test

import data.headgate

agents := {
	"acme::coder": {"models": ["gpt-4o", "local/*"], "tools": ["read_file", "knowledge_*"]},
	"acme::bare": {},
	"acme::odd": {"models": "gpt-4o", "tools": [7, "read_file"]},
	"acme::text": "read_file",
	"": {"models": ["*"], "tools": ["*"]},
}

chat(agent, model) := {"stage": "pre_chat", "principal": {"agent_id": agent}, "model": model}

call(agent, tool) := {"stage": "pre_tool", "principal": {"agent_id": agent}, "tool": tool}

result(agent, tool) := {"stage": "post_tool", "principal": {"agent_id": agent}, "tool": tool}

reply(agent) := {"stage": "post_chat", "principal": {"agent_id": agent}}

unknown := "this key is of no enrolled agent; ask for an entry in agents.json"

no_result := "this agent may not hand on the result of a tool that it may not call"

allowed := {
	"a listed model": chat("acme::coder", "gpt-4o"),
	"a pattern of models": chat("acme::coder", "local/llama-3.1"),
	"a listed tool": call("acme::coder", "read_file"),
	"a pattern of tools": call("acme::coder", "knowledge_query"),
	"the text among what is none": call("acme::odd", "read_file"),
	"a result": result("acme::coder", "read_file"),
	"a reply": reply("acme::coder"),
}

test_allowed[note] if {
	some note, request in allowed
	headgate.allow with input as request with data.agents as agents
	headgate.deny == set() with input as request with data.agents as agents
}

denied := {
	"another model": {
		"input": chat("acme::coder", "o3"),
		"reason": "this agent may not ask this model; its models: gpt-4o, local/*",
	},
	"a model that is missing": {
		"input": {"stage": "pre_chat", "principal": {"agent_id": "acme::coder"}},
		"reason": "this agent may not ask this model; its models: gpt-4o, local/*",
	},
	"a model that is no text": {
		"input": chat("acme::coder", {"gpt-4o": true}),
		"reason": "this agent may not ask this model; its models: gpt-4o, local/*",
	},
	"a list of models that is none": {
		"input": chat("acme::odd", "gpt-4o"),
		"reason": "this agent may not ask this model; its models: ",
	},
	"another tool": {
		"input": call("acme::coder", "shell_exec"),
		"reason": "this agent may not call it; its tools: read_file, knowledge_*",
	},
	"another case": {
		"input": call("acme::coder", "Read_File"),
		"reason": "this agent may not call it; its tools: read_file, knowledge_*",
	},
	"another tool beside a listed model": {
		"input": object.union(call("acme::coder", "shell_exec"), {"model": "gpt-4o"}),
		"reason": "this agent may not call it; its tools: read_file, knowledge_*",
	},
	"another model beside a listed tool": {
		"input": object.union(chat("acme::coder", "o3"), {"tool": "read_file"}),
		"reason": "this agent may not ask this model; its models: gpt-4o, local/*",
	},
	"no tool": {
		"input": call("acme::coder", ""),
		"reason": "this agent may not call it; its tools: read_file, knowledge_*",
	},
	"an entry without tools": {
		"input": call("acme::bare", "read_file"),
		"reason": "this agent may not call it; its tools: ",
	},
	"a result of another tool": {"input": result("acme::coder", "shell_exec"), "reason": no_result},
	"a result of an unknown call": {"input": result("acme::coder", ""), "reason": no_result},
	"an agent without an entry": {"input": chat("acme::eve", "gpt-4o"), "reason": unknown},
	"an entry that is none": {"input": call("acme::text", "read_file"), "reason": unknown},
	"no agent, a prompt": {"input": chat("", "gpt-4o"), "reason": unknown},
	"no agent, a call": {"input": call("", "read_file"), "reason": unknown},
	"no agent, a reply": {"input": reply(""), "reason": unknown},
	"no agent, a result": {"input": result("", "read_file"), "reason": unknown},
	"an agent that is no text": {"input": chat(["acme::coder"], "gpt-4o"), "reason": unknown},
	"an empty principal": {"input": {"stage": "pre_tool", "principal": {}, "tool": "read_file"}, "reason": unknown},
	"no principal": {"input": {"stage": "pre_tool", "tool": "read_file"}, "reason": unknown},
}

test_denied[note] if {
	some note, case in denied
	headgate.deny == {case.reason} with input as case.input with data.agents as agents
	headgate.allow == false with input as case.input with data.agents as agents
}

test_no_data if {
	headgate.deny == {unknown} with input as chat("acme::coder", "gpt-4o")
	headgate.allow == false with input as chat("acme::coder", "gpt-4o")
}

test_unknown_stage if {
	request := {"stage": "later", "principal": {"agent_id": "acme::coder"}}
	headgate.allow == false with input as request with data.agents as agents
}
