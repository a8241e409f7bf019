# METADATA
# title: What an MCP client may call and read
# description: |
#   tools.json has, by the name of the serve line and by role, the tools that may
#   be called and where the resources begin that may be read. The list of tools
#   that a client gets is shortened to those that it may call, because the gate
#   asks about each of them. What the tools answer passes; redaction is in the
#   Caddyfile.
package headgate

# METADATA
# title: What is not listed is denied
default allow := false

# The result of a call that was allowed. Prompts are what servers ask clients
# for: sampling and elicitation, which nobody uses here.
allow if input.stage == "post_tool"

allow if {
	input.stage == "pre_tool"
	tool_listed
}

allow if {
	input.stage == "pre_tool"
	resource_listed
}

# METADATA
# title: Say which tools there are
deny contains reason if {
	input.stage == "pre_tool"
	not reads
	not tool_listed
	reason := sprintf("not released to your roles; these are: %s", [concat(", ", sort(tools))])
}

# METADATA
# title: Do not say what else could be read
deny contains "this resource is not released to your roles" if {
	input.stage == "pre_tool"
	reads
	not resource_listed
}

reads if input.tool == "resources/read"

tool_listed if input.tool in tools

resource_listed if {
	reads
	is_string(input.args.uri)
	some role in input.principal.roles
	some start in data.directory[role].resources
	startswith(input.args.uri, start)
	not contains(input.args.uri, "..")
	not contains(input.args.uri, "%")
}

tools contains name if {
	input.server == "directory"
	some role in input.principal.roles
	some name in data.directory[role].tools
}
