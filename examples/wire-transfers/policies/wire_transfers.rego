# METADATA
# title: When money may move
# description: |
#   A tool that moves money is called in the tenant's office hours, and by an
#   agent that was enrolled more than a day ago. The time is that of the
#   request, input.request.time, so that a decision can be made again later with
#   the same outcome; a clock is not looked at. Enrolment and office hours are in
#   treasury.yaml.
package headgate

# METADATA
# title: Everything else passes
default allow := true

# METADATA
# title: A new agent moves no money
deny contains "the agent must have been enrolled for more than 24 hours before it moves money" if {
	input.stage == "pre_tool"
	moves_money
	not settled
}

# METADATA
# title: Nobody is there to look
deny contains "money moves in your tenant's office hours alone; try again when the office is open" if {
	input.stage == "pre_tool"
	moves_money
	not office_open
}

# Spelled in whatever case, with whatever prefix an MCP client adds.
moves_money if regex.match(`(?i)(wire_transfer|treasury_wire|sepa_credit_transfer)$`, input.tool)

# A call whose tool is not known could be any.
moves_money if not named

named if input.tool != ""

day_ns := ((24 * 60) * 60) * 1000000000

# In nanoseconds since 1970, whatever the offsets that the times are written with.
request_ns := time.parse_rfc3339_ns(input.request.time) if is_time(input.request.time)

settled if {
	since := data.treasury.enrolled[input.principal.agent_id]
	is_time(since)
	request_ns - time.parse_rfc3339_ns(since) > day_ns
}

office := data.treasury.office_hours[input.principal.tenant_id]

# Day, date and time of day in the office's zone, which knows about summer time.
office_open if {
	time.weekday([request_ns, office.zone]) in office.days
	not closed_today
	time_of_day >= office.from
	time_of_day < office.to
}

closed_today if date in office.closed

date := sprintf("%04d-%02d-%02d", time.date([request_ns, office.zone]))

time_of_day := sprintf("%02d:%02d", array.slice(time.clock([request_ns, office.zone]), 0, 2))

# What is no time at all is an answer of no, not an error.
is_time(text) if {
	is_string(text)
	regex.match(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`, text)
}
