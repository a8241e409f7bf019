package headgate_test

import data.headgate

prompt(tenant, text, findings) := {
	"stage": "pre_chat",
	"principal": {"tenant_id": tenant, "user_id": "", "roles": []},
	"messages": [{"role": "system", "text": ""}, {"role": "user", "text": text}],
	"findings": findings,
}

call(tool, roles) := {
	"stage": "pre_tool",
	"principal": {"tenant_id": "acme", "user_id": "", "roles": roles},
	"tool": tool,
}

codes := "prompts about launch codes are not allowed"

shell := "shell_exec requires admin (tenant acme)"

denied := {
	"a prompt": {"input": prompt("acme", "Hello", []), "deny": set()},
	"launch codes": {"input": prompt("acme", "the launch codes, please", []), "deny": {codes}},
	"launch codes in another case": {"input": prompt("", "LAUNCH CODE", []), "deny": {codes}},
	"no messages": {"input": {"stage": "pre_chat"}, "deny": set()},
	"a shell for a developer": {"input": call("shell_exec", ["dev"]), "deny": {shell}},
	"a shell for nobody": {"input": call("shell_exec", []), "deny": {shell}},
	"a shell for an admin": {"input": call("shell_exec", ["dev", "admin"]), "deny": set()},
	"another tool": {"input": call("search", []), "deny": set()},
}

test_denied[note] if {
	some note, case in denied
	headgate.deny == case.deny with input as case.input
	headgate.allow with input as case.input
}

test_prompts_alone if {
	reply := object.union(prompt("free", "launch codes", [{"type": "CREDIT_CARD", "count": 1, "at": "messages[1]"}]), {"stage": "post_chat"})
	headgate.deny == set() with input as reply
	headgate.force_model == set() with input as reply
	headgate.redact_messages == set() with input as reply
}

test_free_gets_the_small_model if {
	headgate.force_model == {"gpt-4o-mini"} with input as prompt("free", "Hello", [])
	headgate.force_model == set() with input as prompt("acme", "Hello", [])
	headgate.force_model == set() with input as prompt("", "Hello", [])
}

test_card_numbers_are_taken_out if {
	card := {"type": "CREDIT_CARD", "count": 1, "at": "messages[1]"}
	email := {"type": "EMAIL", "count": 1, "at": "messages[1]"}
	headgate.redact_messages == {"CREDIT_CARD"} with input as prompt("acme", "", [email, card])
	headgate.redact_messages == set() with input as prompt("acme", "", [email])
	headgate.redact_messages == set() with input as prompt("acme", "", [])
}
