# METADATA
# title: MCP servers and their tools
# description: |
#   Agents show the tools of MCP servers to their model as
#   mcp__<server>__<tool>. servers.json lists the servers, who may use them and
#   which of their tools. What is not listed the model does not even see, and
#   where it asks for it all the same, the call is denied. Where the gate itself
#   stands in front of an MCP server, the server is input.server, the name of
#   its line in the Caddyfile.
package headgate

# METADATA
# title: Tools that are of no MCP server are not decided here
default allow := true

# METADATA
# title: Do not show what may not be called
hide_tools contains name if {
	input.stage == "pre_chat"
	some name in input.tools
	by_mcp(name)
	not released_by_name(name)
}

# METADATA
# title: Do not call it
deny contains "this MCP server or tool is not released to your roles; ask for an entry in servers.json" if {
	input.stage == "pre_tool"
	of_mcp
	not released
}

# METADATA
# title: Do not hand on what it gave back
deny contains "the result is of an MCP server or tool that is not released to your roles; begin a conversation without it" if {
	input.stage == "post_tool"
	of_mcp
	not released
}

of_mcp if direct

of_mcp if by_mcp(input.tool)

# The call goes to the MCP server by way of the gate.
direct if input.request.protocol == "mcp"

# However it is spelled, so that a misspelling is nobody's tool, not everybody's.
by_mcp(name) if regex.match(`(?i)^\W*mcp\W*_`, name)

released if {
	direct
	listed(input.server, input.tool)
}

released if {
	not direct
	released_by_name(input.tool)
}

# A tool's own name may hold __, a server's may not.
released_by_name(name) if {
	parts := split(name, "__")
	parts[0] == "mcp"
	listed(parts[1], concat("__", array.slice(parts, 2, count(parts))))
}

listed(server, tool) if {
	tool != ""
	entry := data.servers[server]
	some role in input.principal.roles
	role in entry.roles
	some pattern in entry.tools
	is_string(pattern)
	glob.match(pattern, null, tool)
}
