package cullis.policy_test

import data.cullis.policy

partners := {
	"orga": {"orgb": ["kyc.read"], "orgc": ["kyc.read", "kyc.disclose"], "orgd": [], "orge": "kyc.read"},
	"orgb": {"orga": ["kyc.write"]},
	"": {"": []},
}

question(from, to, capabilities) := {
	"stage": "session",
	"initiator_agent_id": sprintf("%s::screener", [from]),
	"target_agent_id": sprintf("%s::clerk", [to]),
	"initiator_org_id": from,
	"target_org_id": to,
	"session_context": "initiator",
	"capabilities": capabilities,
}

with_field(field, value) := object.union(question("orga", "orgb", ["kyc.read"]), {field: value})

allowed := {
	"one organisation": question("orga", "orga", []),
	"a partner": question("orga", "orgb", ["kyc.read"]),
	"more capabilities than asked for": question("orga", "orgb", ["a", "kyc.read", "b"]),
	"two capabilities": question("orga", "orgc", ["kyc.disclose", "kyc.read"]),
	"a partner that asks for none": question("orga", "orgd", []),
	"asked by the target": with_field("session_context", "target"),
}

test_allowed[note] if {
	some note, request in allowed
	policy.session == {"decision": "allow"} with input as request with data.partners as partners
}

incomplete := "the question is not complete: it takes both agents and both organisations, as org::name and org"

strangers := "the organisations are no partners in this direction; ask for an entry in partners.json"

lacks(names) := sprintf("the initiator lacks capabilities that this partner asks for: %s", [names])

denied := {
	"strangers": {"input": question("orga", "orgz", ["kyc.read"]), "reason": strangers},
	"the other direction": {"input": question("orgc", "orga", ["kyc.read"]), "reason": strangers},
	"another case": {"input": question("orga", "OrgB", ["kyc.read"]), "reason": strangers},
	"a list that is none": {"input": question("orga", "orge", ["kyc.read"]), "reason": strangers},
	"no capability": {"input": question("orga", "orgb", []), "reason": lacks("kyc.read")},
	"the capability of the other direction": {"input": question("orgb", "orga", ["kyc.read"]), "reason": lacks("kyc.write")},
	"one of two capabilities": {"input": question("orga", "orgc", ["kyc.read"]), "reason": lacks("kyc.disclose")},
	"neither of two": {"input": question("orga", "orgc", ["kyc"]), "reason": lacks("kyc.disclose, kyc.read")},
	"capabilities that are no list": {"input": with_field("capabilities", "kyc.read"), "reason": lacks("kyc.read")},
	"capabilities that are missing": {"input": object.remove(with_field("capabilities", 0), ["capabilities"]), "reason": lacks("kyc.read")},
	"an agent of another organisation": {"input": with_field("initiator_agent_id", "orgz::screener"), "reason": incomplete},
	"a target of another organisation": {"input": with_field("target_agent_id", "orgz::clerk"), "reason": incomplete},
	"an agent without a name": {"input": with_field("initiator_agent_id", "orga::"), "reason": incomplete},
	"an agent without an organisation": {"input": with_field("initiator_agent_id", "screener"), "reason": incomplete},
	"an id in three parts": {"input": with_field("initiator_agent_id", "orga::x::screener"), "reason": incomplete},
	"an id that is no text": {"input": with_field("initiator_agent_id", 7), "reason": incomplete},
	"no organisations": {"input": question("", "", []), "reason": incomplete},
	"an organisation that is no text": {"input": with_field("target_org_id", ["orgb"]), "reason": incomplete},
	"an empty question": {"input": {"stage": "session"}, "reason": incomplete},
}

test_denied[note] if {
	some note, case in denied
	policy.session == {"decision": "deny", "reason": case.reason} with input as case.input with data.partners as partners
}

test_no_data if {
	policy.session == {"decision": "deny", "reason": strangers} with input as question("orga", "orgb", ["kyc.read"])
}
