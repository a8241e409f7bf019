# METADATA
# title: Sessions between agents of two organisations
# description: |
#   Inside one organisation agents talk as they like. Into another one a session
#   opens if partners.json lists the target's organisation for the initiator's,
#   and the initiator has every capability that stands there. Partners are
#   listed for each direction.
package cullis.policy

# METADATA
# title: Without a reason to open it a session stays closed
default session := {"decision": "deny", "reason": "the question is not complete: it takes both agents and both organisations, as org::name and org"}

session := {"decision": "allow"} if permitted

session := {"decision": "deny", "reason": reason} if {
	well_formed
	not permitted
	not partner
	reason := "the organisations are no partners in this direction; ask for an entry in partners.json"
}

session := {"decision": "deny", "reason": reason} if {
	partner
	not permitted
	reason := sprintf("the initiator lacks capabilities that this partner asks for: %s", [concat(", ", sort(missing))])
}

permitted if {
	well_formed
	input.initiator_org_id == input.target_org_id
}

permitted if {
	partner
	count(missing) == 0
}

# An agent's id says the same organisation as the organisation's own.
well_formed if {
	belongs(input.initiator_agent_id, input.initiator_org_id)
	belongs(input.target_agent_id, input.target_org_id)
}

belongs(agent, org) if {
	is_string(agent)
	is_string(org)
	org != ""
	[org, name] = split(agent, "::")
	name != ""
}

partner if {
	well_formed
	is_array(required)
}

required := data.partners[input.initiator_org_id][input.target_org_id]

missing contains capability if {
	some capability in required
	not capability in capabilities
}

capabilities contains capability if some capability in input.capabilities
