package headgate_test

import data.headgate

treasury := {
	"enrolled": {
		"acme::old": "2026-03-01T09:00:00+01:00",
		"acme::text": "yesterday",
		"acme::number": 1772352000,
	},
	"office_hours": {
		"acme": {
			"zone": "Europe/Berlin",
			"days": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Sunday"],
			"from": "09:00",
			"to": "17:00",
			"closed": ["2026-12-25"],
		},
		"round": {
			"zone": "UTC",
			"days": ["Saturday"],
			"from": "00:00",
			"to": "24:00",
		},
		"bare": {},
	},
}

new := "the agent must have been enrolled for more than 24 hours before it moves money"

closed := "money moves in your tenant's office hours alone; try again when the office is open"

call(tool, tenant, agent, at) := {
	"stage": "pre_tool",
	"principal": {"tenant_id": tenant, "agent_id": agent},
	"request": {"time": at},
	"tool": tool,
}

wire(at) := call("wire_transfer", "acme", "acme::old", at)

cases := {
	"a Monday at noon": {"input": wire("2026-03-09T11:00:00Z"), "deny": set()},
	"the first minute, winter": {"input": wire("2026-03-09T08:00:00Z"), "deny": set()},
	"a minute before, winter": {"input": wire("2026-03-09T07:59:59.999Z"), "deny": {closed}},
	"the first minute, summer": {"input": wire("2026-06-08T07:00:00Z"), "deny": set()},
	"a minute before, summer": {"input": wire("2026-06-08T06:59:59Z"), "deny": {closed}},
	"the last minute": {"input": wire("2026-03-09T15:59:59Z"), "deny": set()},
	"the end": {"input": wire("2026-03-09T16:00:00Z"), "deny": {closed}},
	"a Saturday": {"input": wire("2026-03-07T11:00:00Z"), "deny": {closed}},
	"Monday there, Sunday here": {"input": wire("2026-03-08T23:30:00Z"), "deny": {closed}},
	"a holiday": {"input": wire("2026-12-25T11:00:00Z"), "deny": {closed}},
	"an offset": {"input": wire("2026-03-09T21:30:00+09:30"), "deny": set()},
	"all day, the first second": {"input": call("wire_transfer", "round", "acme::old", "2026-03-07T00:00:00Z"), "deny": set()},
	"all day, the last second": {"input": call("wire_transfer", "round", "acme::old", "2026-03-07T23:59:59Z"), "deny": set()},
	"a day and a second after enrolment": {"input": wire("2026-03-02T08:00:01Z"), "deny": set()},
	"a day after enrolment": {"input": wire("2026-03-02T08:00:00Z"), "deny": {new}},
	"an hour after enrolment": {"input": wire("2026-03-01T09:00:00Z"), "deny": {new}},
	"before enrolment": {"input": wire("2026-02-27T09:00:00Z"), "deny": {new}},
	"an agent that is not enrolled": {"input": call("wire_transfer", "acme", "acme::eve", "2026-03-09T11:00:00Z"), "deny": {new}},
	"no agent": {"input": call("wire_transfer", "acme", "", "2026-03-09T11:00:00Z"), "deny": {new}},
	"an enrolment that is no time": {"input": call("wire_transfer", "acme", "acme::text", "2026-03-09T11:00:00Z"), "deny": {new}},
	"an enrolment that is no text": {"input": call("wire_transfer", "acme", "acme::number", "2026-03-09T11:00:00Z"), "deny": {new}},
	"an unknown tenant": {"input": call("wire_transfer", "other", "acme::old", "2026-03-09T11:00:00Z"), "deny": {closed}},
	"hours without a word": {"input": call("wire_transfer", "bare", "acme::old", "2026-03-09T11:00:00Z"), "deny": {closed}},
	"a request's time that is none": {"input": wire("now"), "deny": {new, closed}},
	"a request's time that is no text": {"input": wire(1772352000), "deny": {new, closed}},
	"no request": {"input": object.remove(wire(""), ["request"]), "deny": {new, closed}},
	"no principal": {"input": object.remove(wire("2026-03-09T11:00:00Z"), ["principal"]), "deny": {new, closed}},
	"another spelling": {"input": call("mcp__bank__SEPA_Credit_Transfer", "x", "x", "2026-03-09T11:00:00Z"), "deny": {new, closed}},
	"a tool without a name": {"input": call("", "x", "x", "2026-03-09T11:00:00Z"), "deny": {new, closed}},
	"a tool that is missing": {"input": {"stage": "pre_tool"}, "deny": {new, closed}},
	"another tool": {"input": call("balance", "x", "x", "2026-03-07T11:00:00Z"), "deny": set()},
	"another stage": {"input": object.union(wire("now"), {"stage": "post_tool"}), "deny": set()},
}

test_call[note] if {
	some note, case in cases
	headgate.deny == case.deny with input as case.input with data.treasury as treasury
	headgate.allow with input as case.input with data.treasury as treasury
}

test_no_data if headgate.deny == {new, closed} with input as wire("2026-03-09T11:00:00Z")
