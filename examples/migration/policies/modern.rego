# METADATA
# title: The rules that have moved
# description: |
#   The same gate in Rego v1, in a package of its own. Both packages cover every
#   stage, so both have to allow, and what either denies is denied: a rule can
#   move at any time without a gap.
package headgate

# METADATA
# title: What no rule speaks against passes
default allow := true

# METADATA
# title: Shell commands are for admins
deny contains "shell_exec is for the role admin; ask one of them" if {
	input.stage == "pre_tool"
	input.tool == "shell_exec"
	not "admin" in roles
}

# Empty where the caller has none.
roles contains role if some role in input.principal.roles
