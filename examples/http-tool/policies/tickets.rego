# METADATA
# title: What may be done to a ticket
# description: |
#   The tool is tickets.update of the Caddyfile. Its arguments are the {id} of
#   the path, the query and the body's members, in one object: a rule does not
#   have to know where one stands.
package headgate

# METADATA
# title: What is not this tool is denied
default allow := false

allow if {
	input.stage in {"pre_tool", "post_tool"}
	input.tool == "tickets.update"
}

# METADATA
# title: Say what is allowed
deny contains "only these change: state, note" if {
	input.stage == "pre_tool"
	count(object.keys(input.args) - {"id", "state", "note"}) > 0
}

# METADATA
# title: Agents do not reopen
deny contains "state is closed or waiting; a person reopens" if {
	input.stage == "pre_tool"
	"state" in object.keys(input.args)
	not moves_on
}

moves_on if input.args.state in {"closed", "waiting"}

# METADATA
# title: A ticket has a number
deny contains "a ticket is named by its number" if {
	input.stage == "pre_tool"
	not numbered
}

numbered if regex.match(`^[0-9]{1,9}$`, input.args.id)
