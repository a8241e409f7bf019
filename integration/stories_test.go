package integration_test

import "cmp"

// stories gives all of them. Every one has a name of its own.
func stories() []story {
	plain := []string{"pre_chat allow", "post_chat allow", done}
	chat := story{name: "chat", prompt: "/say Good morning.\n/chunk 3", want: said("Good morning."), upstream: 1, audit: plain}
	calls := story{
		name: "calls", prompt: "/say Let me see.\n/call search {\"q\": \"x\"}\n/call get_weather {\"city\":\"Oslo\"}\n/chunk 3",
		want: called("Let me see.", `search {"q": "x"}`, `get_weather {"city":"Oslo"}`), upstream: 1,
		audit: []string{"pre_chat allow", "post_chat allow", "pre_tool search allow", "pre_tool get_weather allow", done},
	}
	choices := story{
		name: "choices", n: 3, prompt: "/say Good morning.", upstream: 1, audit: plain,
		want: said("Good morning.", "Good morning. (choice 1)", "Good morning. (choice 2)"),
	}
	choicesCalls := story{
		name: "choices-calls", n: 2, prompt: "/say Now.\n/call search {\"q\":1}\n/chunk 2", upstream: 1,
		want:  called("Now.", `search {"q":1}`),
		audit: []string{"pre_chat allow", "post_chat allow", "pre_tool search allow", "pre_tool search allow", done},
	}
	choicesCalls.want.Choices = append(choicesCalls.want.Choices, choicesCalls.want.Choices[0])
	choicesCalls.want.Choices[1].Text = "Now. (choice 1)"
	card := story{
		name: "redact-request", prompt: "Charge 4111 1111 1111 1111 twice", upstream: 1,
		edits: []string{"4111 1111 1111 1111", "[CREDIT_CARD]"}, want: said("You said: Charge [CREDIT_CARD] twice"),
		audit: []string{"pre_chat redact_messages [CREDIT_CARD:1]", "post_chat allow", done},
	}
	mail := story{
		name: "redact-response", model: "gpt-mail", n: 2, prompt: "/say Ask alice@example.com, not bob@example.org.\n/chunk 1", upstream: 1,
		want:  said("Ask [EMAIL], not [EMAIL].", "Ask [EMAIL], not [EMAIL]. (choice 1)"),
		audit: []string{"pre_chat allow", "post_chat redact_response [EMAIL:4]", "outcome 200 complete [EMAIL:4]"},
	}
	mail.want.Model = "gpt-mail"
	mailStream := []string{"pre_chat allow", "post_chat redact_response", "outcome 200 complete [EMAIL:4]"}
	mail4 := streamed(mail, mailStream...)
	mail4.name, mail4.prompt = "redact-response-stream-4", "/say Ask alice@example.com, not bob@example.org.\n/chunk 4"
	force := story{
		name: "force-model", model: "gpt-large", prompt: "/say Cheaper.", edits: []string{`"gpt-large"`, `"gpt-small"`}, want: said("Cheaper."), upstream: 1,
		audit: []string{"pre_chat force_model gpt-small", "post_chat allow", done},
	}
	force.want.Model = "gpt-small"
	deny := story{
		name: "deny", prompt: "What are the launch codes?",
		want:  failed(1, 403, "policy_denied", "prompts about launch codes are not allowed"),
		audit: []string{"pre_chat deny: prompts about launch codes are not allowed"},
	}
	const shellDenied = "shell_exec requires admin (tenant )"
	denyCall := story{
		name: "deny-call", prompt: "/say Let me see.\n/call search {}\n/call shell_exec {\"cmd\":\"ls\"}\n/call now {}", upstream: 1,
		want:  called("Let me see.\ntool `shell_exec`: "+shellDenied, "search {}", "now {}"),
		audit: []string{"pre_chat allow", "post_chat allow", "pre_tool search allow", "pre_tool shell_exec deny: " + shellDenied, "pre_tool now allow", done},
	}
	denyCalls := story{
		name: "deny-all-calls", prompt: "/call shell_exec {}", upstream: 1, want: said("tool `shell_exec`: " + shellDenied),
		audit: []string{"pre_chat allow", "post_chat allow", "pre_tool shell_exec deny: " + shellDenied, done},
	}
	strict := story{
		name: "deny-call-error", site: "strict", prompt: "/say Let me see.\n/call shell_exec {\"cmd\":\"ls\"}", upstream: 1,
		want:  failed(1, 403, "policy_denied", "tool `shell_exec`: "+shellDenied),
		audit: []string{"pre_chat allow", "post_chat allow", "pre_tool shell_exec deny: " + shellDenied, "outcome 403 denied"},
	}
	strictStream := streamed(strict, "pre_chat allow", "post_chat allow", "pre_tool shell_exec deny: "+shellDenied, "outcome 200 denied")
	strictStream.want.Status, strictStream.want.Partial = 0, "Let me see."
	held := story{
		name: "held", site: "held", prompt: "/say The word is sword.\n/say fish.", want: said("The word is sword.\nfish."), upstream: 1, audit: plain,
	}
	heldDeny := story{
		name: "held-deny", site: "held", prompt: "/say The word is swordfish.\n/chunk 2", upstream: 1,
		want:  failed(1, 403, "policy_denied", "the reply holds the code word"),
		audit: []string{"pre_chat allow", "post_chat deny: the reply holds the code word", "outcome 403 denied"},
	}
	result := story{
		name: "tool-result", result: true, want: said("The tool answered: 12 degrees"), upstream: 1,
		audit: []string{"post_tool get_weather allow", "pre_chat allow", "post_chat allow", done},
	}
	keyed := story{
		name: "key", site: "keyed", key: aliceKey, prompt: "/say Good morning.", want: said("Good morning."), upstream: 1,
		audit: []string{"pre_chat allow by acme/alice", "post_chat allow by acme/alice", done + " by acme/alice"},
	}
	wrongKey := story{
		name: "wrong-key", site: "keyed", prompt: "/say Good morning.",
		want:  failed(1, 401, "invalid_api_key", "the credential is not known"),
		audit: []string{"request deny: the credential is not known"},
	}
	unknown := story{
		name: "unknown-path", api: "unheard", prompt: "Hello",
		want:  failed(1, 404, "not_found", "this path is not governed"),
		audit: []string{"request deny: this path is not governed"},
	}

	// What is the upstream's fault may pass: the clients ask twice more, and
	// each attempt is decided anew.
	down := story{
		name: "down", site: "down", prompt: "Hello", want: failed(3, 502, "upstream_error", "the upstream cannot be reached"),
		audit: []string{"pre_chat allow", "outcome 502 upstream_error"},
	}
	hangs := story{
		name: "hangs", site: "hangs", prompt: "Hello", upstream: 3, want: failed(3, 504, "upstream_timeout", "the upstream did not answer in time"),
		audit: []string{"pre_chat allow", "outcome 504 upstream_error"},
	}
	cut := story{
		name: "cut", prompt: "/say This breaks off.\n/cut 3", upstream: 3, want: failed(3, 502, "upstream_error", "the upstream's reply broke off"),
		audit: []string{"pre_chat allow", "outcome 502 upstream_error"},
	}
	cutStream := streamed(cut, "pre_chat allow", "post_chat allow", "outcome 200 upstream_error")
	cutStream.upstream, cutStream.want = 1, failed(1, 0, "upstream_error", "the upstream's stream broke off")
	cutStream.want.Partial = "This break"
	cutEnd := cutStream // before [DONE]: all of the reply is there but its end
	cutEnd.name, cutEnd.prompt = "cut-before-done-stream", "/say 12345\n/cut 3"
	cutEnd.want.Partial = "12345"
	// A client leaves once it has read [DONE], even if the upstream goes on.
	lingers := streamed(story{name: "lingers", prompt: "/say Good morning.", want: said("Good morning."), upstream: 1, audit: plain})
	status := story{
		name: "status", prompt: "/status 422 Not like this.", upstream: 1, want: failed(1, 422, "", "Not like this."),
		audit: []string{"pre_chat allow", "outcome 422 upstream_error"},
	}

	usage := streamed(chat)
	usage.name, usage.usage, usage.want.Usage = "usage-stream", true, true
	all := []story{
		chat, streamed(chat), usage,
		calls, streamed(calls),
		choices, streamed(choices), choicesCalls, streamed(choicesCalls),
		card, streamed(card),
		mail, streamed(mail, mailStream...), mail4,
		force, streamed(force),
		deny, streamed(deny),
		denyCall, streamed(denyCall), denyCalls, streamed(denyCalls),
		strict, strictStream,
		held, streamed(held), heldDeny, streamed(heldDeny),
		result, streamed(result),
		keyed, streamed(keyed), wrongKey, streamed(wrongKey), unknown,
		down, streamed(down), hangs, streamed(hangs),
		cut, cutStream, cutEnd, lingers, status, streamed(status),
	}
	for i := range all {
		s := &all[i]
		s.site, s.key, s.model, s.n = cmp.Or(s.site, "plain"), cmp.Or(s.key, ownKey), cmp.Or(s.model, "gpt-4o"), max(s.n, 1)
	}
	return all
}

const storyPolicy = openPolicy + `
deny contains "prompts about launch codes are not allowed" if {
	input.stage == "pre_chat"
	some message in input.messages
	contains(message.text, "launch codes")
}

redact_messages contains "CREDIT_CARD" if {
	input.stage == "pre_chat"
	some finding in input.findings
	finding.type == "CREDIT_CARD"
}

force_model contains "gpt-small" if {
	input.stage == "pre_chat"
	input.model == "gpt-large"
}

redact_response contains "EMAIL" if {
	input.stage == "post_chat"
	input.model == "gpt-mail"
}

deny contains reason if {
	input.stage == "pre_tool"
	input.tool == "shell_exec"
	not "admin" in input.principal.roles
	reason := sprintf("shell_exec requires admin (tenant %s)", [input.principal.tenant_id])
}
`

// heldPolicy looks at the reply, so that a stream is held until it is whole.
const heldPolicy = openPolicy + `
deny contains "the reply holds the code word" if {
	input.stage == "post_chat"
	contains(input.response.text, "swordfish")
}
`
