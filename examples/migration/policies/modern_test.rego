package headgate_test

import data.headgate

reason := "shell_exec is for the role admin; ask one of them"

call(tool, roles) := {"stage": "pre_tool", "principal": {"tenant_id": "acme", "user_id": "", "roles": roles}, "tool": tool}

cases := {
	"an admin": {"input": call("shell_exec", ["dev", "admin"]), "deny": set()},
	"another tool": {"input": call("search", []), "deny": set()},
	"another stage": {"input": {"stage": "post_tool", "tool": "shell_exec"}, "deny": set()},
	"another role": {"input": call("shell_exec", ["dev"]), "deny": {reason}},
	"another case": {"input": call("shell_exec", ["Admin"]), "deny": {reason}},
	"no role": {"input": call("shell_exec", []), "deny": {reason}},
	"roles that are no list": {"input": call("shell_exec", "admin"), "deny": {reason}},
	"no principal": {"input": {"stage": "pre_tool", "tool": "shell_exec"}, "deny": {reason}},
}

test_call[note] if {
	some note, case in cases
	headgate.deny == case.deny with input as case.input
	headgate.allow with input as case.input
}
