package mcp_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/mcp"
	"github.com/headgate/headgate/wire/strictjson"
)

// spans checks that every text lies in the body and is a string.
func spans(t *testing.T, m *wire.RPC) {
	t.Helper()
	lists := [][]wire.Text{m.Texts}
	if m.Call != nil {
		lists = append(lists, m.Call.Texts)
	}
	if m.Result != nil {
		lists = append(lists, m.Result.Texts)
		if !json.Valid(m.Result.Value) {
			t.Errorf("the result is no JSON: %s", m.Result.Value)
		}
	}
	for _, p := range m.Prompts {
		lists = append(lists, p.Texts)
		if !json.Valid(wire.Conversation(p.Messages)) {
			t.Error("the conversation is no JSON")
		}
	}
	for _, r := range m.Replies {
		lists = append(lists, r.Texts)
		for _, c := range r.Calls {
			lists = append(lists, c.Texts)
		}
	}
	seen := map[int]bool{}
	for _, list := range lists {
		for _, text := range list {
			if text.Start < 0 || text.End > len(m.Body) || m.Body[text.Start] != '"' || m.Body[text.End-1] != '"' {
				t.Fatalf("a text at %d to %d of %s", text.Start, text.End, m.Body)
			}
			if seen[text.Start] {
				t.Errorf("the text at %d of %s is listed twice", text.Start, m.Body)
			}
			seen[text.Start] = true
		}
	}
	doc, err := strictjson.Parse(m.Body, strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer doc.Release()
	complete(t, m, seen, "", doc.Root())
}

// complete checks that every string of a message is a text, but for what stands
// under a few keys.
func complete(t *testing.T, m *wire.RPC, seen map[int]bool, key string, v strictjson.Value) {
	t.Helper()
	start, _ := v.Span()
	switch v.Kind() {
	case strictjson.String:
		if !seen[start] && !slices.Contains(noTexts, key) {
			t.Errorf("%q under %q is no text of %s", v.Str(), key, m.Body)
		}
	case strictjson.Array:
		for _, e := range v.Elems() {
			complete(t, m, seen, "", e)
		}
	case strictjson.Object:
		for k, e := range v.Members() {
			complete(t, m, seen, k.Str(), e)
		}
	}
}

// noTexts are the keys under which names, words of the protocol, ids and media
// may stand.
var noTexts = []string{
	"jsonrpc", "id", "method", "name", "type", "role", "resultType", "action", "mode", "level", "cacheScope", "protocolVersion",
	"io.modelcontextprotocol/protocolVersion", "data", "blob", "toolUseId",
}

// redactAll puts "R" in the place of every text that is sent along with a call.
func redactAll(m *wire.RPC) []byte {
	var edits []strictjson.Replacement
	add := func(list []wire.Text) {
		for _, t := range list {
			edits = append(edits, strictjson.Replacement{Start: t.Start, End: t.End, Text: []byte(`"R"`)})
		}
	}
	add(m.Texts)
	if m.Call != nil {
		add(m.Call.Texts)
	}
	slices.SortFunc(edits, func(a, b strictjson.Replacement) int { return a.Start - b.Start })
	return strictjson.Splice(nil, m.Body, edits)
}

// FuzzMessage reads what a client sends: no panic, every text is a string of
// the body and listed once, the same name is read as others read it, and what
// is left after an edit is still the same call.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		request("tools/call", `{"name":"a","arguments":{"x":["y",1]},"_meta":{"progressToken":"p"}}`),
		request("resources/read", `{"uri":"file:///x"}`), request("prompts/get", `{"name":"p","arguments":{"a":"b"}}`),
		request("tools/call", `{"name":"a","inputResponses":{"k":{"role":"assistant","model":"m","content":[{"type":"text","text":"t"},{"type":"tool_use","id":"1","name":"n","input":{}}]},"l":{"action":"accept","content":{"a":"b"}}},"requestState":"s"}`),
		`{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","model":"m","content":{"type":"text","text":"t"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}`, `[]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := mcp.Messages{}.Client(wire.Incoming{Body: body})
		if err != nil {
			if _, answer := m.Refuser.Refuse(wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "r"}); !json.Valid(answer) {
				t.Fatalf("no JSON: %s", answer)
			}
			return
		}
		spans(t, m)
		if m.Call == nil {
			return
		}
		if m.Method == "tools/call" {
			var other struct {
				Params struct {
					Name string `json:"name"`
				} `json:"params"`
			}
			if err := json.Unmarshal(body, &other); err != nil || other.Params.Name != m.Call.Name {
				t.Fatalf("%q, others read %q, %v", m.Call.Name, other.Params.Name, err)
			}
		}
		again, err := mcp.Messages{}.Client(wire.Incoming{Body: redactAll(m)})
		if err != nil || again.Call == nil || again.Call.Name != m.Call.Name || again.Method != m.Method {
			t.Fatalf("edited: %+v, %v", again, err)
		}
	})
}

// FuzzServerMessage reads what a server sends, as the answer to each kind of
// request and as nobody's.
func FuzzServerMessage(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a"},{"type":"resource","resource":{"uri":"u","blob":"QUJD"}}],"structuredContent":{"a":["b"]}}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"a","inputSchema":{"type":"object"}},{"name":"b"}],"nextCursor":"c"}}`,
		`{"jsonrpc":"2.0","id":7,"result":{"inputRequests":{"k":{"method":"elicitation/create","params":{"message":"m","requestedSchema":{}}}},"requestState":"s"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"hi"}},{"role":"user","content":[{"type":"tool_result","toolUseId":"c","content":[],"structuredContent":{"a":"b"}}]}],"tools":[{"name":"t"}]}}`,
		`{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"d"}}`,
		`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}`,
	} {
		f.Add([]byte(s))
	}
	var all []*wire.RPC
	for method, params := range map[string]string{
		"tools/call": `{"name":"a"}`, "tools/list": `{}`, "resources/read": `{"uri":"u"}`, "prompts/get": `{"name":"p"}`, "ping": `{}`,
	} {
		m, err := mcp.Messages{}.Client(wire.Incoming{Body: []byte(request(method, params))})
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, m)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, asked := range append(all, nil) {
			m, err := mcp.Messages{}.Server(body, asked)
			if err != nil {
				continue
			}
			spans(t, m)
			if instead := (mcp.Messages{}).Instead(m, wire.Refusal{Code: wire.CodePolicyDenied, Reason: "r"}); !json.Valid(instead) {
				t.Fatalf("no JSON: %s", instead)
			}
			out := strictjson.Splice(nil, body, wire.HideOffers(m.Offers, func(name string) bool { return name != "a" }))
			if _, err := (mcp.Messages{}).Server(out, asked); err != nil {
				t.Fatalf("shortened: %v", err)
			}
		}
	})
}
