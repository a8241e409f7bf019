package headgate.pre_chat_test

import data.headgate.pre_chat

plans := {
	"free": {"messages": 3, "tools": 2, "characters": 20, "long": 10, "small_model": "small"},
	"text": {"messages": "3", "tools": 2, "characters": 20, "long": 10, "small_model": "small"},
	"no model": {"messages": 3, "tools": 2, "characters": 20, "long": 10},
	"messages of null": {"messages": null, "tools": 2, "characters": 20, "long": 10, "small_model": "small"},
	"tools of null": {"messages": 3, "tools": null, "characters": 20, "long": 10, "small_model": "small"},
	"empty": {},
}

tenants := {"m": "messages of null", "t": "tools of null", "acme": "free", "typo": "fre", "text": "text", "no model": "no model", "empty": "empty", "odd": ["free"]}

prompt(tenant, texts, tools) := {
	"stage": "pre_chat",
	"principal": {"tenant_id": tenant},
	"messages": [{"role": "user", "text": text} | some text in texts],
	"tools": tools,
}

no_plan := {"decision": "deny", "reason": "this prompt has no plan to be measured by; ask for an entry in plans.yaml"}

small := {"decision": "force_model", "model": "small", "reason": "a long prompt goes to the small model"}

denied(reason) := {"decision": "deny", "reason": reason}

cases := {
	"one word": {"input": prompt("acme", ["hi"], []), "want": "allow"},
	"not yet long": {"input": prompt("acme", ["12345", "67890"], ["a", "b"]), "want": "allow"},
	"characters, not bytes": {"input": prompt("acme", ["ÄÖÜÄÖÜÄÖÜÄ"], []), "want": "allow"},
	"no messages": {"input": prompt("acme", [], []), "want": "allow"},
	"long": {"input": prompt("acme", ["12345", "678901"], []), "want": small},
	"as long as it may be": {"input": prompt("acme", ["1234567890", "12345", "12345"], ["a", "b"]), "want": small},
	"too long": {
		"input": prompt("acme", ["1234567890", "12345678901"], []),
		"want": denied("at most 20 characters; send a shorter text"),
	},
	"too many messages": {
		"input": prompt("acme", ["", "", "", ""], []),
		"want": denied("at most 3 messages; begin a new conversation"),
	},
	"too many tools": {
		"input": prompt("acme", ["hi"], ["a", "b", "c"]),
		"want": denied("at most 2 tools; offer fewer"),
	},
	"too much of everything": {
		"input": prompt("acme", ["123456789012345678901", "", "", ""], ["a", "b", "c"]),
		"want": denied("at most 2 tools; offer fewer; at most 20 characters; send a shorter text; at most 3 messages; begin a new conversation"),
	},
	"a tenant without a plan": {"input": prompt("other", ["hi"], []), "want": no_plan},
	"a plan that there is not": {"input": prompt("typo", ["hi"], []), "want": no_plan},
	"a plan that is no name": {"input": prompt("odd", ["hi"], []), "want": no_plan},
	"a plan without bounds": {"input": prompt("empty", ["hi"], []), "want": no_plan},
	"a plan with a text for a number": {"input": prompt("text", ["", "", "", ""], []), "want": no_plan},
	"a plan with null for messages": {"input": prompt("m", ["hi"], []), "want": no_plan},
	"a plan with null for tools": {"input": prompt("t", ["hi"], []), "want": no_plan},
	"a plan without a small model": {"input": prompt("no model", ["hi"], []), "want": no_plan},
	"no tenant": {"input": prompt("", ["hi"], []), "want": no_plan},
	"no principal": {"input": object.remove(prompt("acme", ["hi"], []), ["principal"]), "want": no_plan},
	"messages that are missing": {"input": object.remove(prompt("acme", [], []), ["messages"]), "want": no_plan},
	"tools that are missing": {"input": object.remove(prompt("acme", [], []), ["tools"]), "want": no_plan},
	"messages that are none": {"input": object.union(prompt("acme", [], []), {"messages": "hi"}), "want": no_plan},
}

test_decision[note] if {
	some note, case in cases
	pre_chat.decision == case.want with input as case.input with data.plans as plans with data.tenants as tenants
}

test_no_data if pre_chat.decision == no_plan with input as prompt("acme", ["hi"], [])
