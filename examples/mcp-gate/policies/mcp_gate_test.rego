package headgate_test

import data.headgate

directory := {
	"dev": {"tools": ["add", "lookup"], "resources": ["file:///handbook/"]},
	"analyst": {"tools": ["add"], "resources": []},
	"bare": {},
}

call(tool, roles) := {
	"stage": "pre_tool",
	"principal": {"roles": roles},
	"server": "directory",
	"tool": tool,
}

read(uri) := object.union(call("resources/read", ["dev"]), {"args": {"uri": uri}})

allowed := {
	"a tool": call("lookup", ["dev"]),
	"a tool of another role": call("add", ["other", "analyst"]),
	"a resource": read("file:///handbook/holidays.md"),
	"a result": object.union(call("lookup", []), {"stage": "post_tool"}),
}

test_allowed[note] if {
	some note, request in allowed
	headgate.deny == set() with input as request with data.directory as directory
	headgate.allow with input as request with data.directory as directory
}

unreadable := "this resource is not released to your roles"

denied := {
	"another tool": {"input": call("lookup", ["analyst"]), "reason": "not released to your roles; these are: add"},
	"another case": {"input": call("Add", ["analyst"]), "reason": "not released to your roles; these are: add"},
	"no role": {"input": call("add", []), "reason": "not released to your roles; these are: "},
	"an empty role": {"input": call("add", ["bare"]), "reason": "not released to your roles; these are: "},
	"no principal": {"input": {"stage": "pre_tool", "server": "directory", "tool": "add"}, "reason": "not released to your roles; these are: "},
	"another server": {"input": object.union(call("add", ["dev"]), {"server": "other"}), "reason": "not released to your roles; these are: "},
	"a prompt of the server": {"input": call("prompts/get", ["dev"]), "reason": "not released to your roles; these are: add, lookup"},
	"another resource": {"input": read("file:///etc/passwd"), "reason": unreadable},
	"a way out of the folder": {"input": read("file:///handbook/../salaries"), "reason": unreadable},
	"an encoded way out": {"input": read("file:///handbook/%2e%2e/salaries"), "reason": unreadable},
	"a resource for another role": {"input": object.union(read("file:///handbook/x"), {"principal": {"roles": ["analyst"]}}), "reason": unreadable},
	"a resource without a name": {"input": call("resources/read", ["dev"]), "reason": unreadable},
	"a name that is no text": {"input": read(7), "reason": unreadable},
}

test_denied[note] if {
	some note, case in denied
	headgate.deny == {case.reason} with input as case.input with data.directory as directory
	headgate.allow == false with input as case.input with data.directory as directory
}

test_server_asks if {
	headgate.allow == false with input as {"stage": "pre_chat", "messages": [{"role": "user", "text": "your password?"}]}
}

test_no_data if headgate.allow == false with input as call("add", ["dev"])
