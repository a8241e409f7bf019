package headgate_test

import data.headgate

call(args) := {"stage": "pre_tool", "tool": "tickets.update", "args": args}

fields := "only these change: state, note"

states := "state is closed or waiting; a person reopens"

number := "a ticket is named by its number"

cases := {
	"closing": {"input": call({"id": "7", "state": "closed"}), "deny": set()},
	"a note": {"input": call({"id": "7", "note": "called back"}), "deny": set()},
	"reopening": {"input": call({"id": "7", "state": "open"}), "deny": {states}},
	"another case": {"input": call({"id": "7", "state": "Closed"}), "deny": {states}},
	"a state that is no text": {"input": call({"id": "7", "state": ["closed"]}), "deny": {states}},
	"no state": {"input": call({"id": "7", "state": false}), "deny": {states}},
	"another field": {"input": call({"id": "7", "owner": "eve"}), "deny": {fields}},
	"another ticket's name": {"input": call({"id": "all", "state": "closed"}), "deny": {number}},
	"a way out": {"input": call({"id": "7/../8"}), "deny": {number}},
	"no ticket": {"input": call({}), "deny": {number}},
	"a result": {"input": {"stage": "post_tool", "tool": "tickets.update", "result": {"updated": true}}, "deny": set()},
}

test_cases[note] if {
	some note, case in cases
	headgate.deny == case.deny with input as case.input
	headgate.allow with input as case.input
}

test_nothing_else if {
	headgate.allow == false with input as {"stage": "pre_tool", "tool": "tickets.delete", "args": {"id": "7"}}
	headgate.allow == false with input as {"stage": "pre_chat", "messages": []}
}
