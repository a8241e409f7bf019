package headgate_test

import data.headgate

call(tool, args, roles) := {"stage": "pre_tool", "principal": {"roles": roles}, "tool": tool, "args": args}

denied := {
	"a command": call("shell_exec", {"command": "ls"}, []),
	"a statement": call("sql_query", {"query": "select 1"}, []),
	"a file": call("read_file", {"path": "/etc/passwd"}, []),
}

test_denied[note] if {
	some note, request in denied
	count(headgate.deny) == 1 with input as request
}

test_allowed if {
	headgate.deny == set() with input as call("get_weather", {"path": "/etc/passwd"}, [])
	headgate.deny == set() with input as call("shell_exec", {"command": "ls"}, ["dev"])
	headgate.allow with input as call("shell_exec", {"command": "ls"}, ["dev"])
}

test_other_stage[note] if {
	some note, request in denied
	headgate.deny == set() with input as object.union(request, {"stage": "post_tool"})
}
