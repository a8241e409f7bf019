package headgate_test

import data.headgate

servers := {
	"github": {"roles": ["dev"], "tools": ["get_*", "create_issue"]},
	"db": {"roles": ["dev", "analyst"], "tools": ["query", "a__b"]},
	"odd": {"roles": "dev", "tools": ["*"]},
	"odder": {"roles": ["dev"], "tools": [7, "ok"]},
	"all": {"roles": ["dev"], "tools": ["*"]},
	"bare": {},
}

call(tool, roles) := {"stage": "pre_tool", "principal": {"roles": roles}, "tool": tool}

direct(server, tool) := {
	"stage": "pre_tool",
	"principal": {"roles": ["dev"]},
	"request": {"protocol": "mcp"},
	"server": server,
	"tool": tool,
}

allowed := {
	"a pattern": call("mcp__github__get_issue", ["dev"]),
	"a name": call("mcp__github__create_issue", ["other", "dev"]),
	"another role": call("mcp__db__query", ["analyst"]),
	"a name with __": call("mcp__db__a__b", ["analyst"]),
	"a name among what is none": call("mcp__odder__ok", ["dev"]),
	"a tool of no server": call("read_file", []),
	"a tool that only speaks of it": call("list_mcp_servers", []),
	"straight to the server": direct("github", "create_issue"),
}

test_allowed[note] if {
	some note, request in allowed
	headgate.deny == set() with input as request with data.servers as servers
	headgate.allow with input as request with data.servers as servers
	result := object.union(request, {"stage": "post_tool"})
	headgate.deny == set() with input as result with data.servers as servers
	offer := object.union(request, {"tools": ["mcp__jira__x"]})
	headgate.hide_tools == set() with input as offer with data.servers as servers
}

denied := {
	"another tool": call("mcp__github__delete_repository", ["dev"]),
	"another server": call("mcp__jira__get_issue", ["dev"]),
	"another case of the prefix": call("MCP__github__get_issue", ["dev"]),
	"another case of the server": call("mcp__GitHub__get_issue", ["dev"]),
	"a space in front": call(" mcp__github__get_issue", ["dev"]),
	"one underscore": call("mcp_github_get_issue", ["dev"]),
	"no tool": call("mcp__github__", ["dev"]),
	"no server": call("mcp____get_issue", ["dev"]),
	"no tool where all are released": call("mcp__all__", ["dev"]),
	"only a server": call("mcp__all", ["dev"]),
	"by a serve entry that is no MCP server": object.union(call("mcp__jira__x", ["dev"]), {"server": "all"}),
	"only the prefix": call("mcp__", ["dev"]),
	"the wrong role": call("mcp__github__get_issue", ["analyst"]),
	"no role": call("mcp__github__get_issue", []),
	"roles that are no list": call("mcp__github__get_issue", "dev"),
	"no principal": {"stage": "pre_tool", "tool": "mcp__github__get_issue"},
	"roles of the server that are no list": call("mcp__odd__x", ["dev"]),
	"a server without a word": call("mcp__bare__x", ["dev"]),
	"straight to another server": direct("jira", "get_issue"),
	"straight to another tool": direct("github", "delete_repository"),
	"straight, by a name of another server": direct("github", "mcp__db__query"),
	"straight, without a server": object.remove(direct("", "get_issue"), ["server"]),
}

test_denied[note] if {
	some note, request in denied
	count(headgate.deny) == 1 with input as request with data.servers as servers
}

test_denied_result[note] if {
	some note, request in denied
	result := object.union(request, {"stage": "post_tool"})
	count(headgate.deny) == 1 with input as result with data.servers as servers
}

tools := ["read_file", "mcp__github__get_issue", "mcp__github__delete_repository", "mcp__db__query", "Mcp__db__query"]

hidden := {
	"a developer": {"roles": ["dev"], "hide": {"mcp__github__delete_repository", "Mcp__db__query"}},
	"an analyst": {"roles": ["analyst"], "hide": {"mcp__github__get_issue", "mcp__github__delete_repository", "Mcp__db__query"}},
	"nobody": {"roles": [], "hide": {"mcp__github__get_issue", "mcp__github__delete_repository", "mcp__db__query", "Mcp__db__query"}},
}

test_hidden[note] if {
	some note, case in hidden
	request := {"stage": "pre_chat", "principal": {"roles": case.roles}, "tools": tools}
	headgate.hide_tools == case.hide with input as request with data.servers as servers
}

test_nothing_offered if {
	headgate.hide_tools == set() with input as {"stage": "pre_chat", "tools": []} with data.servers as servers
	headgate.hide_tools == set() with input as {"stage": "pre_chat"} with data.servers as servers
}

test_no_data if count(headgate.deny) == 1 with input as call("mcp__github__get_issue", ["dev"])
