package headgate_test

import data.headgate

prompt(protocol, role, text) := {
	"stage": "pre_chat",
	"request": {"protocol": protocol},
	"messages": [{"role": "system", "text": ""}, {"role": role, "text": text}],
}

call(tool, roles) := {
	"stage": "pre_tool",
	"principal": {"roles": roles},
	"request": {"protocol": "openai.responses"},
	"tool": tool,
}

project := "the project Nightingale is confidential; leave it out"

closed := "text completions are closed; use chat completions, responses or messages"

operators := "deleting takes the role ops"

cases := {
	"a prompt": {"input": prompt("openai.chat", "user", "Hello"), "deny": set()},
	"the project in a chat": {"input": prompt("openai.chat", "user", "About nightingale"), "deny": {project}},
	"in a response": {"input": prompt("openai.responses", "user", "NIGHTINGALE"), "deny": {project}},
	"in a message": {"input": prompt("anthropic.messages", "system", "Nightingale"), "deny": {project}},
	"in Gemini": {"input": prompt("gemini", "assistant", "a Nightingale"), "deny": {project}},
	"to an agent": {"input": prompt("a2a", "user", "Nightingale"), "deny": {project}},
	"a completion": {"input": prompt("openai.completions", "user", "Hello"), "deny": {closed}},
	"a completion about it": {"input": prompt("openai.completions", "user", "Nightingale"), "deny": {closed, project}},
	"no messages": {"input": {"stage": "pre_chat"}, "deny": set()},
	"another stage": {"input": object.union(prompt("gemini", "user", "Nightingale"), {"stage": "post_chat"}), "deny": set()},
	"deleting": {"input": call("delete_account", ["dev"]), "deny": {operators}},
	"deleting in another case": {"input": call("Delete_Account", []), "deny": {operators}},
	"deleting by an operator": {"input": call("delete_account", ["dev", "ops"]), "deny": set()},
	"deleting by nobody": {"input": {"stage": "pre_tool", "tool": "delete_account"}, "deny": {operators}},
	"another tool": {"input": call("read_account", []), "deny": set()},
	"its result": {"input": object.union(call("delete_account", []), {"stage": "post_tool"}), "deny": set()},
}

test_cases[note] if {
	some note, case in cases
	headgate.deny == case.deny with input as case.input
	headgate.allow with input as case.input
}
