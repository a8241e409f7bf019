package headgate_test

import data.headgate

at(stage, tenant, roles, tool) := {
	"stage": stage,
	"principal": {"tenant_id": tenant, "roles": roles},
	"tool": tool,
}

project := {"regex": "PRJ-[0-9]{4}", "as": "placeholder"}

# Only the way of the stage is redacted.
want(way, selectors) := object.union({"messages": set(), "response": set(), "args": set(), "result": set()}, {way: selectors})

no_ip := {"entity": "IP", "as": "remove"}

ip_end := {"entity": "IP", "as": "mask", "keep_last": 4}

card_end := {"entity": "CREDIT_CARD", "as": "mask", "keep_last": 4}

cases := {
	"a prompt": {
		"input": at("pre_chat", "acme", ["support"], ""),
		"want": want("messages", {"CREDIT_CARD", "US_SSN", "IBAN", {"entity": "EMAIL", "as": "hash"}}),
	},
	"a prompt of billing": {
		"input": at("pre_chat", "acme", ["billing"], ""),
		"want": want("messages", {"CREDIT_CARD", "US_SSN", "IBAN", {"entity": "EMAIL", "as": "hash"}}),
	},
	"a reply to our own": {"input": at("post_chat", "acme", [], ""), "want": want("response", {ip_end, "CREDIT_CARD"})},
	"a reply to billing": {"input": at("post_chat", "acme", ["billing"], ""), "want": want("response", {ip_end, card_end})},
	"a reply to a partner": {"input": at("post_chat", "partner", [], ""), "want": want("response", {no_ip, "CREDIT_CARD"})},
	"a reply to nobody": {"input": at("post_chat", "", [], ""), "want": want("response", {no_ip, "CREDIT_CARD"})},
	"a tenant that is no text": {"input": at("post_chat", ["acme"], "billing", ""), "want": want("response", {no_ip, "CREDIT_CARD"})},
	"a reply without a principal": {"input": {"stage": "post_chat"}, "want": want("response", {no_ip, "CREDIT_CARD"})},
	"a call": {"input": at("pre_tool", "acme", [], "search"), "want": want("args", {project, "EMAIL"})},
	"a call of the tracker": {"input": at("pre_tool", "acme", [], "tracker_add"), "want": want("args", {"EMAIL"})},
	"mail by support": {"input": at("pre_tool", "acme", ["support"], "send_mail"), "want": want("args", {project})},
	"mail by another": {"input": at("pre_tool", "acme", ["dev"], "send_mail"), "want": want("args", {project, "EMAIL"})},
	"another tool by support": {"input": at("pre_tool", "acme", ["support"], "search"), "want": want("args", {project, "EMAIL"})},
	"a call without a name": {"input": {"stage": "pre_tool"}, "want": want("args", {project, "EMAIL"})},
	"a result": {
		"input": at("post_tool", "acme", ["support"], ""),
		"want": want("result", {"PII", {"regex": `(?i)bearer [a-z0-9._~+/-]{16,200}`, "as": "remove"}}),
	},
}

test_selectors[note] if {
	some note, case in cases
	headgate.redact_messages == case.want.messages with input as case.input
	headgate.redact_response == case.want.response with input as case.input
	headgate.redact_args == case.want.args with input as case.input
	headgate.redact_result == case.want.result with input as case.input
	headgate.allow with input as case.input
}
