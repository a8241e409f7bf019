package integration_test

import (
	"cmp"
	"fmt"
	"testing"
)

// sdkClient is a client of node/sdks.mjs, and what of its answers is its own.
type sdkClient struct {
	name, path   string
	status       int    // of a denial; 403 if 0
	denied       string // the class of a denial's error
	broken       string // the class of an error inside a stream; package ai hands on what the event holds
	brokenStatus int    // of such an error; ai's provider for responses makes one up
	stop, use    string // how a reply ends, without calls and with them
	blocks       bool   // the text that stands for a call is a text of its own
	loops        bool   // it carries the tools out and asks again
}

// TestNodeSDKs plays the stories with clients for Node: that a denial is their
// own error after one request, and that what the gate leaves of a reply is a
// reply to them.
func TestNodeSDKs(t *testing.T) {
	t.Parallel()
	needNode(t, "@anthropic-ai/sdk", "openai", "ai", "@ai-sdk/openai", "@ai-sdk/anthropic", "@openai/agents", "zod")
	checkSDKs(t, sdkStories(
		sdkClient{name: "anthropic", denied: "PermissionDeniedError", broken: "APIError", stop: "end_turn", use: "tool_use", blocks: true},
		sdkClient{name: "ai-chat", path: "/v1", denied: "APICallError", broken: "Object", stop: "stop", use: "tool-calls"},
		sdkClient{name: "ai-anthropic", path: "/v1", denied: "APICallError", broken: "Object", stop: "stop", use: "tool-calls", blocks: true},
		sdkClient{name: "agents-chat", path: "/v1", denied: "PermissionDeniedError", broken: "APIError", loops: true},
	))
}

// sdkStories tells the same stories of each client, whole and streamed.
func sdkStories(clients ...sdkClient) []sdkStory {
	const (
		launchDenied = "prompts about launch codes are not allowed"
		shellDenied  = "tool `shell_exec`: shell_exec requires admin (tenant )"
		wordDenied   = "the reply holds the code word"
	)
	plain := []string{"pre_chat allow", "post_chat allow", done}
	var all []sdkStory
	for i := range clients {
		c := &clients[i]
		said := func(texts ...string) sdkSeen {
			return sdkSeen{Texts: texts, Calls: []string{}, Finish: c.stop, Requests: 1}
		}
		status := cmp.Or(c.status, 403)
		denied := func(message string) sdkSeen {
			return sdkSeen{Class: c.denied, Status: status, Message: message, Texts: []string{}, Calls: []string{}, Requests: 1}
		}
		allow := sdkStory{name: "allow", prompt: "/say Good morning.", want: said("Good morning."), upstream: 1, audit: plain}
		deny := sdkStory{
			name: "deny", prompt: "What are the launch codes?", want: denied(launchDenied),
			audit: []string{"pre_chat deny: " + launchDenied},
		}
		mail := sdkStory{
			name: "redact", model: "gpt-mail", prompt: "/say Ask alice@example.com today.\n/chunk 1", want: said("Ask [EMAIL] today."), upstream: 1,
			audit: []string{"pre_chat allow", "post_chat redact_response [EMAIL:1]", "outcome 200 complete [EMAIL:1]"},
		}
		mailStream := mail.streamed()
		mailStream.audit = []string{"pre_chat allow", "post_chat redact_response", "outcome 200 complete [EMAIL:1]"}
		calls := c.calls(shellDenied)
		shell := sdkStory{
			name: "deny-all-calls", prompt: "/call shell_exec {}", want: said(shellDenied), upstream: 1,
			audit: []string{"pre_chat allow", "post_chat allow", "pre_tool shell_exec deny: " + shellDenied[len("tool `shell_exec`: "):], done},
		}
		held := sdkStory{
			name: "held-deny", site: "held", prompt: "/say The word is swordfish.\n/chunk 2", want: denied(wordDenied), upstream: 1,
			audit: []string{"pre_chat allow", "post_chat deny: " + wordDenied, fmt.Sprintf("outcome %d denied", status)},
		}
		strict := sdkStory{
			name: "deny-call-error", site: "strict", prompt: "/say Let me see.\n/call shell_exec {}", want: denied(shellDenied), upstream: 1,
			audit: []string{"pre_chat allow", "post_chat allow", "pre_tool shell_exec deny: " + shellDenied[len("tool `shell_exec`: "):], fmt.Sprintf("outcome %d denied", status)},
		}
		strictStream := strict.streamed() // has begun: its error has no status
		strictStream.audit = append(strictStream.audit[:3:3], "outcome 200 denied")
		strictStream.want.Class, strictStream.want.Status, strictStream.want.Partial = c.broken, c.brokenStatus, "Let me see."
		for _, s := range []sdkStory{
			allow, allow.streamed(), deny, deny.streamed(), mail, mailStream, calls, calls.streamed(),
			shell, shell.streamed(), held, held.streamed(), strict, strictStream,
		} {
			s.name, s.client, s.path = c.name+"-"+s.name, c.name, c.path
			if s.site == "" {
				s.site = "plain"
			}
			if s.model == "" {
				s.model = "gpt-4o"
			}
			all = append(all, s)
		}
	}
	return all
}

// calls is the story of two calls of which one is denied.
func (c *sdkClient) calls(denied string) sdkStory {
	s := sdkStory{
		name: "deny-call", prompt: "/say Let me see.\n/call search {\"q\":\"x\"}\n/call shell_exec {\"q\":\"ls\"}", upstream: 1,
		want: sdkSeen{Texts: []string{"Let me see.\n" + denied}, Calls: []string{`search {"q":"x"}`}, Finish: c.use, Requests: 1},
		audit: []string{
			"pre_chat allow", "post_chat allow", "pre_tool search allow",
			"pre_tool shell_exec deny: " + denied[len("tool `shell_exec`: "):], done,
		},
	}
	switch {
	case c.blocks:
		s.want.Texts = []string{"Let me see.", denied}
	case c.loops:
		s.want.Texts, s.want.Requests, s.upstream = []string{"The tool answered: search did it"}, 2, 2
		s.audit = append(s.audit, "post_tool search allow", "pre_chat allow", "post_chat allow", done)
	}
	return s
}

// streamed is the same story on a stream.
func (s *sdkStory) streamed() sdkStory {
	streamed := *s
	streamed.name, streamed.stream = s.name+"-stream", true
	return streamed
}
