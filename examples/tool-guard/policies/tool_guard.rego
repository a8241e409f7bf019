# METADATA
# title: What tools may be told to do
# description: |
#   Three guards look at the arguments of three kinds of tools, each in a file of
#   its own. A call is denied for every reason that its guard finds. Patterns are
#   a second fence: give tools no more rights than they need, too.
package headgate

# METADATA
# title: Tools of other kinds pass
default allow := true

deny contains reason if {
	input.stage == "pre_tool"
	some reason in data.toolguard.shell.problems
}

deny contains reason if {
	input.stage == "pre_tool"
	some reason in data.toolguard.sql.problems
}

deny contains reason if {
	input.stage == "pre_tool"
	some reason in data.toolguard.files.problems
}
