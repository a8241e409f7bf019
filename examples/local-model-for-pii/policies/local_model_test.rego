package headgate_test

import data.headgate

email := {"type": "EMAIL", "count": 2, "at": "messages[1]"}

card := {"type": "CREDIT_CARD", "count": 1, "at": "messages[0]"}

ssn := {"type": "US_SSN", "count": 1, "at": "tools[0]"}

prompt(model, findings, unscanned) := {
	"stage": "pre_chat",
	"principal": {"tenant_id": "", "user_id": "", "roles": []},
	"model": model,
	"findings": findings,
	"unscanned": unscanned,
}

models := {
	"nothing personal": {"input": prompt("gpt-4o", [], []), "model": set()},
	"an address": {"input": prompt("gpt-4o", [email], []), "model": {"local/llama-3.3-70b"}},
	"a picture": {"input": prompt("gpt-4o", [], ["image"]), "model": {"local/llama-3.3-70b"}},
	"both": {"input": prompt("gpt-4o", [email], ["image"]), "model": {"local/llama-3.3-70b"}},
	"an address for a local model": {"input": prompt("local/qwen-3", [email], []), "model": set()},
	"nothing personal for a local model": {"input": prompt("local/qwen-3", [], []), "model": set()},
	"local in the name's middle": {"input": prompt("openai/local/x", [email], []), "model": {"local/llama-3.3-70b"}},
	"another case": {"input": prompt("Local/qwen-3", [email], []), "model": {"local/llama-3.3-70b"}},
	"no model": {"input": prompt("", [email], []), "model": {"local/llama-3.3-70b"}},
	"a missing model": {"input": object.remove(prompt("", [email], []), ["model"]), "model": {"local/llama-3.3-70b"}},
	"findings that are none": {"input": prompt("gpt-4o", null, []), "model": {"local/llama-3.3-70b"}},
	"missing findings": {"input": object.remove(prompt("gpt-4o", [], []), ["findings"]), "model": {"local/llama-3.3-70b"}},
	"another stage": {"input": object.union(prompt("gpt-4o", [email], []), {"stage": "post_chat"}), "model": set()},
}

test_model[note] if {
	some note, case in models
	headgate.force_model == case.model with input as case.input
	headgate.deny == set() with input as case.input
	headgate.allow with input as case.input
}

denied := {
	"a card": prompt("gpt-4o", [card], []),
	"a card for a local model": prompt("local/qwen-3", [email, card], []),
	"a social security number": prompt("gpt-4o", [ssn, email], []),
}

test_denied[note] if {
	some note, request in denied
	count(headgate.deny) == 1 with input as request
}

test_denied_at_prompts_alone if {
	headgate.deny == set() with input as object.union(prompt("gpt-4o", [card], []), {"stage": "pre_tool"})
}
