# METADATA
# title: What a plan pays for
# description: |
#   One answer for each prompt, {"decision": …}, instead of rule sets. An agent
#   that runs in circles sends a longer conversation each time: over the plan's
#   bounds it is denied, and before that it goes to a cheaper model.
package headgate.pre_chat

# METADATA
# title: What cannot be measured is denied
default decision := {"decision": "deny", "reason": "this prompt has no plan to be measured by; ask for an entry in plans.yaml"}

decision := "allow" if {
	fits
	characters <= plan.long
}

decision := {"decision": "force_model", "model": plan.small_model, "reason": "a long prompt goes to the small model"} if {
	fits
	characters > plan.long
}

decision := {"decision": "deny", "reason": concat("; ", sort(over))} if {
	not fits
	count(over) > 0
}

plan := data.plans[data.tenants[input.principal.tenant_id]]

messages := count(input.messages) if is_array(input.messages)

tools := count(input.tools) if is_array(input.tools)

characters := sum([count(message.text) | some message in input.messages])

# All three are known and within their bounds. Numbers of plans.yaml alone are
# bounds: in Rego every number is less than any text.
fits if {
	bounded
	messages <= plan.messages
	tools <= plan.tools
	characters <= plan.characters
}

bounded if {
	every name in ["messages", "tools", "characters", "long"] {
		is_number(plan[name])
	}
	is_string(plan.small_model)
}

over contains sprintf("at most %d messages; begin a new conversation", [plan.messages]) if {
	bounded
	messages > plan.messages
}

over contains sprintf("at most %d tools; offer fewer", [plan.tools]) if {
	bounded
	tools > plan.tools
}

over contains sprintf("at most %d characters; send a shorter text", [plan.characters]) if {
	bounded
	characters > plan.characters
}
