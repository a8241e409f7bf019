# The policy of the quick start. Every rule is meant to be changed.
package headgate

# Everything passes that no rule below speaks against.
default allow := true

# No prompt may ask for the launch codes.
deny contains "prompts about launch codes are not allowed" if {
	input.stage == "pre_chat"
	some message in input.messages
	contains(lower(message.text), "launch code")
}

# Callers of the tenant "free" get the small model, whatever they ask for.
force_model contains "gpt-4o-mini" if {
	input.stage == "pre_chat"
	input.principal.tenant_id == "free"
}

# Card numbers never reach a model. The detectors look first; a policy sees
# what they found, and where, but never the number.
redact_messages contains "CREDIT_CARD" if {
	input.stage == "pre_chat"
	some finding in input.findings
	finding.type == "CREDIT_CARD"
}

# Only admins may have the agent run a shell command.
deny contains reason if {
	input.stage == "pre_tool"
	input.tool == "shell_exec"
	not "admin" in input.principal.roles
	reason := sprintf("shell_exec requires admin (tenant %s)", [input.principal.tenant_id])
}
