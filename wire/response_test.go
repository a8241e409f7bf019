package wire_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

func TestArgsJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		call wire.Call
		want string // "" where it must fail
	}{
		{"none", wire.Call{}, "{}"},
		{"white space", wire.Call{Args: " \n"}, "{}"},
		{"an object, in canonical form", wire.Call{Args: `{"b":1.0,"a":[true]}`}, `{"a":[true],"b":1}`},
		{"digits that a double does not hold", wire.Call{Args: `{"n":9007199254740993}`}, `{"n":9007199254740993}`},
		{"free text", wire.Call{Args: `ls -l "x"`, Free: true}, `"ls -l \"x\""`},
		{"two equal keys", wire.Call{Args: `{"a":1,"a":2}`}, ""},
		{"broken", wire.Call{Args: `{"a":`}, ""},
		{"two documents", wire.Call{Args: `{}{}`}, ""},
		{"as deep as leaves room for the conversation around it", wire.Call{Args: nested(strictjson.DefaultDepth - 8)}, nested(strictjson.DefaultDepth - 8)},
		{"too deep to stand in a conversation", wire.Call{Args: nested(strictjson.DefaultDepth - 7)}, ""},
	} {
		got, err := tt.call.ArgsJSON()
		if (err != nil) != (tt.want == "") || string(got) != tt.want {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// TestAConversationOfManyMessages: the normalised form of as many messages as
// a body may hold has more values than a body may.
func TestAConversationOfManyMessages(t *testing.T) {
	list := make([]wire.Message, strictjson.DefaultNodes/5)
	for i := range list {
		list[i] = wire.Message{Role: "user", Parts: []wire.Part{{Text: "a"}}}
	}
	if _, err := strictjson.Canonical(wire.Conversation(list)); err == nil {
		t.Error("the gate takes it, so that nothing was tried")
	}
}

// TestResponseHashVector is the test vector of response_hash.
func TestResponseHashVector(t *testing.T) {
	r := wire.Response{
		Choices: []wire.Choice{{Content: "Hello", Calls: []wire.Call{{ID: "1", Name: "f", Args: " "}}}},
		Usage:   &wire.Usage{Input: 1, Output: 2},
	}
	const form = `[{"text":"Hello","tool_calls":[{"args":{},"name":"f"}]}]`
	if got := string(r.HashForm()); got != form {
		t.Fatalf("got %s, want %s", got, form)
	}
	sum := sha256.Sum256([]byte(form))
	if got, want := hex.EncodeToString(sum[:]), "6b39f6a90e4d183f79e2de5a87a0b9528f583aa05855de9889299e8329fc1801"; got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		place wire.Place
		want  string
	}{
		{wire.Place{List: "messages", Index: 3, Field: "text"}, "messages[3].text"},
		{wire.Place{List: "messages", Index: 3}, "messages[3]"},
		{wire.Place{List: "user", Index: -1}, "user"},
	} {
		if got := tt.place.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
