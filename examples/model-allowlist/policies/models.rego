# METADATA
# title: Models by tenant
# description: |
#   A prompt goes to a model that tenants.json lists for the caller's tenant,
#   or nowhere. A pattern's * stands for any characters, also for dots and
#   slashes; names are compared with their case.
package headgate

# METADATA
# title: What is not listed is denied
default allow := false

allow if {
	input.stage == "pre_chat"
	listed
}

# A model is named by prompts alone.
allow if input.stage in {"pre_tool", "post_chat", "post_tool"}

# METADATA
# title: Say which models there are
deny contains reason if {
	input.stage == "pre_chat"
	count(patterns) > 0
	not listed
	reason := sprintf("this model is not on your tenant's list; use one of: %s", [concat(", ", patterns)])
}

# METADATA
# title: Say that there are none
deny contains "no model is released for your tenant; ask for an entry in tenants.json" if {
	input.stage == "pre_chat"
	count(patterns) == 0
}

listed if {
	is_string(input.model)
	some pattern in patterns
	glob.match(pattern, null, input.model)
}

# Empty for a tenant that is not listed. What is not text is no pattern.
patterns := [pattern |
	some pattern in data.tenants[input.principal.tenant_id].models
	is_string(pattern)
]
