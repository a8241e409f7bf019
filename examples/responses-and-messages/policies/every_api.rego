# METADATA
# title: One rule for every API
# description: |
#   The messages and the tools are the same whichever API carries them, so that
#   no rule names one. An API that the agents do not use is closed by name.
package headgate

# METADATA
# title: Everything passes that no rule below speaks against
default allow := true

# METADATA
# title: The project is not spoken about
deny contains "the project Nightingale is confidential; leave it out" if {
	input.stage == "pre_chat"
	some message in input.messages
	contains(lower(message.text), "nightingale")
}

# METADATA
# title: Only operators delete
deny contains "deleting takes the role ops" if {
	input.stage == "pre_tool"
	startswith(lower(input.tool), "delete_")
	not operator
}

operator if "ops" in input.principal.roles

# METADATA
# title: Text completions are not used here
deny contains "text completions are closed; use chat completions, responses or messages" if {
	input.request.protocol == "openai.completions"
}
