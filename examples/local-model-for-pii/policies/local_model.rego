# METADATA
# title: Personal data stays with the local model
# description: |
#   The detectors look at every prompt, with its earlier turns and tool results.
#   Where they saw personal data, or where there is something that they cannot
#   look into, a model outside is exchanged for the local one. The policy never
#   sees a value, only what kind it is of.
package headgate

# METADATA
# title: What is not exchanged goes where it was sent
default allow := true

# METADATA
# title: Exchange a model outside for the local one
force_model contains local_model if {
	input.stage == "pre_chat"
	not asks_local_model
	must_stay
}

# METADATA
# title: Numbers that open accounts are for no model
deny contains "card and social security numbers must not be sent to a model; take them out and try again" if {
	input.stage == "pre_chat"
	some finding in input.findings
	finding.type in {"CREDIT_CARD", "US_SSN"}
}

local_model := "local/llama-3.3-70b"

# Whatever is served in the house has a name that begins with local/.
asks_local_model if startswith(input.model, "local/")

# Everything that the detectors know is personal.
must_stay if some _ in input.findings

# Pictures, files and the like could hold anything.
must_stay if some _ in input.unscanned

# Without the detectors' word nothing is known.
must_stay if not looked_at

looked_at if is_array(input.findings)
