package headgate_test

import data.headgate

tenants := {
	"acme": {"models": ["gpt-4o*", "claude-sonnet-*"]},
	"lab": {"models": ["*"]},
	"broken": {"models": "gpt-4o"},
	"odd": {"models": [7, null, "gpt-4o"]},
	"none": {"models": []},
}

prompt(tenant, model) := {"stage": "pre_chat", "principal": {"tenant_id": tenant, "user_id": "", "roles": []}, "model": model}

listed := "this model is not on your tenant's list; use one of: gpt-4o*, claude-sonnet-*"

nothing := "no model is released for your tenant; ask for an entry in tenants.json"

cases := {
	"a listed name": {"input": prompt("acme", "gpt-4o"), "deny": set()},
	"a longer name": {"input": prompt("acme", "gpt-4o-mini"), "deny": set()},
	"dots": {"input": prompt("acme", "claude-sonnet-4.5"), "deny": set()},
	"every name": {"input": prompt("lab", "local/llama-3.1"), "deny": set()},
	"text among what is no text": {"input": prompt("odd", "gpt-4o"), "deny": set()},
	"another name": {"input": prompt("acme", "o3"), "deny": {listed}},
	"only a part of the name": {"input": prompt("acme", "my-gpt-4o"), "deny": {listed}},
	"another case": {"input": prompt("acme", "GPT-4o"), "deny": {listed}},
	"a space in front": {"input": prompt("acme", " gpt-4o"), "deny": {listed}},
	"no name": {"input": prompt("acme", ""), "deny": {listed}},
	"a name that is no text": {"input": prompt("acme", ["gpt-4o"]), "deny": {listed}},
	"a name that is missing": {"input": object.remove(prompt("acme", ""), ["model"]), "deny": {listed}},
	"an empty list": {"input": prompt("none", "gpt-4o"), "deny": {nothing}},
	"a list that is no list": {"input": prompt("broken", "gpt-4o"), "deny": {nothing}},
	"an unknown tenant": {"input": prompt("other", "gpt-4o"), "deny": {nothing}},
	"no tenant": {"input": prompt("", "gpt-4o"), "deny": {nothing}},
	"a tenant that is no text": {"input": prompt(7, "gpt-4o"), "deny": {nothing}},
	"no principal": {"input": {"stage": "pre_chat", "model": "gpt-4o"}, "deny": {nothing}},
}

test_prompt[note] if {
	some note, case in cases
	headgate.deny == case.deny with input as case.input with data.tenants as tenants
	allowed := case.deny == set()
	headgate.allow == allowed with input as case.input with data.tenants as tenants
}

test_other_stage[stage] if {
	some stage in ["pre_tool", "post_chat", "post_tool"]
	headgate.allow with input as {"stage": stage} with data.tenants as {}
	headgate.deny == set() with input as {"stage": stage} with data.tenants as {}
	headgate.deny == set() with input as object.union(prompt("acme", "o3"), {"stage": stage}) with data.tenants as tenants
}

test_no_data if {
	headgate.deny == {nothing} with input as prompt("acme", "gpt-4o")
	headgate.allow == false with input as prompt("acme", "gpt-4o")
}

test_unknown_stage if {
	headgate.allow == false with input as {"stage": "later"} with data.tenants as tenants
	headgate.allow == false with input as object.union(prompt("acme", "gpt-4o"), {"stage": "later"}) with data.tenants as tenants
}
