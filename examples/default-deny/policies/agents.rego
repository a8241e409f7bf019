# METADATA
# title: Nothing but what an agent's entry lists
# description: |
#   agents.json has an entry for each agent, by its agent_id: the models that it
#   may ask, and the tools that it may call and whose results it may hand on. A
#   name may have *, which stands for any characters.
package headgate

# METADATA
# title: What no rule allows is denied
default allow := false

allow if {
	input.stage == "pre_chat"
	model_listed
}

allow if {
	input.stage in {"pre_tool", "post_tool"}
	tool_listed
}

# The reply is text for an agent that was allowed to ask for it. Tool calls in
# it are decided one by one, at pre_tool.
allow if {
	input.stage == "post_chat"
	enrolled
}

# METADATA
# title: Say that the agent is not known
deny contains "this key is of no enrolled agent; ask for an entry in agents.json" if not enrolled

# METADATA
# title: Say which models there are
deny contains reason if {
	input.stage == "pre_chat"
	enrolled
	not model_listed
	reason := sprintf("this agent may not ask this model; its models: %s", [concat(", ", models)])
}

# METADATA
# title: Say which tools there are
deny contains reason if {
	input.stage == "pre_tool"
	enrolled
	not tool_listed
	reason := sprintf("this agent may not call it; its tools: %s", [concat(", ", tools)])
}

# METADATA
# title: A result may only come from a tool that could have been called
deny contains "this agent may not hand on the result of a tool that it may not call" if {
	input.stage == "post_tool"
	enrolled
	not tool_listed
}

# Nobody is an agent by having no name.
enrolled if {
	input.principal.agent_id != ""
	is_object(data.agents[input.principal.agent_id])
}

model_listed if {
	enrolled
	is_string(input.model)
	some pattern in models
	glob.match(pattern, null, input.model)
}

tool_listed if {
	enrolled
	is_string(input.tool)
	some pattern in tools
	glob.match(pattern, null, input.tool)
}

models := names("models")

tools := names("tools")

names(kind) := [name |
	some name in data.agents[input.principal.agent_id][kind]
	is_string(name)
]
