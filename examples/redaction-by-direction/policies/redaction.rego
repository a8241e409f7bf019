# METADATA
# title: What is taken out on which way
# description: |
#   A selector says what is found and what takes its place. Each of the four
#   ways has rules of its own: to the model, to the agent, to a tool and back
#   from it. Reply rules do not look at the reply, so streams keep flowing.
package headgate

# METADATA
# title: Nothing is denied here
default allow := true

# METADATA
# title: To the model, account numbers
# description: A model need not know more than that one stood there.
redact_messages contains entity if {
	input.stage == "pre_chat"
	some entity in {"CREDIT_CARD", "US_SSN", "IBAN"}
}

# METADATA
# title: To the model, addresses
# description: The same address is the same stand-in, so that the model can tell two people apart.
redact_messages contains {"entity": "EMAIL", "as": "hash"} if input.stage == "pre_chat"

# METADATA
# title: To the agent, the network's inside
# description: Partners get nothing of it, our own people how an address ends.
redact_response contains {"entity": "IP", "as": "remove"} if {
	input.stage == "post_chat"
	not ours
}

redact_response contains {"entity": "IP", "as": "mask", "keep_last": 4} if {
	input.stage == "post_chat"
	ours
}

# METADATA
# title: To the agent, account numbers
# description: Who sends invoices may compare the last digits.
redact_response contains "CREDIT_CARD" if {
	input.stage == "post_chat"
	not role("billing")
}

redact_response contains {"entity": "CREDIT_CARD", "as": "mask", "keep_last": 4} if {
	input.stage == "post_chat"
	role("billing")
}

# METADATA
# title: To a tool, the names of projects
# description: The tracker knows them already.
redact_args contains {"regex": "PRJ-[0-9]{4}", "as": "placeholder"} if {
	input.stage == "pre_tool"
	not tracker
}

# METADATA
# title: To a tool, addresses
# description: Mail is sent by support; nobody else's tools get an address.
redact_args contains "EMAIL" if {
	input.stage == "pre_tool"
	not sends_mail
}

# METADATA
# title: Back from a tool
# description: What a tool read elsewhere is the most likely to hold what nobody asked for.
redact_result contains "PII" if input.stage == "post_tool"

redact_result contains {"regex": `(?i)bearer [a-z0-9._~+/-]{16,200}`, "as": "remove"} if input.stage == "post_tool"

ours if input.principal.tenant_id == "acme"

role(name) if name in input.principal.roles

tracker if startswith(input.tool, "tracker_")

sends_mail if {
	input.tool == "send_mail"
	role("support")
}
