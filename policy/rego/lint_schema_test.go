package rego

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/schema"
)

// richInputs hold everything that a document can show, one input a stage.
func richInputs() []*policy.Input {
	const (
		call     = `{"id": "c", "name": "search", "args": {"q": 1}}`
		messages = `[{"role": "user", "text": "hi", "parts": [{"type": "text", "text": "hi"}, {"type": "image", "sha256": "ab"}],
			"tool_calls": [` + call + `], "tool_results": [{"id": "c", "text": "found"}]}]`
		response = `{"choices": [{"index": 0, "text": "hi", "reasoning": "", "tool_calls": [` + call + `], "finish_reason": "stop"}],
			"text": "hi", "usage": {"input_tokens": 1, "output_tokens": 2}}`
	)
	var list []*policy.Input
	for _, s := range policy.Stages() {
		list = append(list, &policy.Input{
			Stage: s,
			Principal: policy.Principal{
				TenantID: "acme", UserID: "alice", Roles: []string{"admin"}, AgentID: "orga::bot", Auth: "jwt",
				Claims: map[string]any{"dept": "x", "n": json.Number("1")},
			},
			Request: policy.Request{
				ID: "r", Protocol: "openai.chat", Endpoint: "/v1/chat/completions", Host: "h", RemoteIP: "192.0.2.1", Stream: true,
				Time: time.Unix(1, 0), Headers: map[string]string{"x-team": "red"},
			},
			Server: "openai", Model: "m", Tools: []string{"search"}, Tool: "search",
			MessagesHash: "a", ArgsHash: "b", ResponseHash: "c", ResultHash: "d",
			Messages: []byte(messages), Args: []byte(`{"q": [1, null]}`), Response: []byte(response), Result: []byte(`"text"`),
			Findings: []policy.Finding{{Type: "EMAIL", Count: 2, At: "messages[0]"}}, Unscanned: []string{"image"},
			Session: policy.SessionRequest{
				InitiatorAgentID: "a::x", TargetAgentID: "b::y", InitiatorOrgID: "a", TargetOrgID: "b",
				Context: "target", Capabilities: []string{"c"},
			},
		})
	}
	return list
}

// bareInputs are the least that a stage can have where all is computed.
func bareInputs() []*policy.Input {
	var list []*policy.Input
	for _, s := range policy.Stages() {
		list = append(list, &policy.Input{
			Stage: s, MessagesHash: "a", ArgsHash: "b", ResponseHash: "c", ResultHash: "d",
			Messages: []byte(`[]`), Args: []byte(`{}`), Result: []byte(`null`), Response: []byte(`{"choices": [], "text": ""}`),
		})
	}
	return list
}

type object = map[string]any

// fullDocument is the whole document of an input as plain JSON.
func fullDocument(t *testing.T, in *policy.Input) object {
	t.Helper()
	v, err := newDocument(in, partsAll, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := ast.JSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return doc.(object)
}

// matcher asks OPA's json.match_schema.
func matcher(t *testing.T, text []byte) func(doc any) (ok bool, errs string) {
	t.Helper()
	matchSchema := topdown.GetBuiltin(ast.JSONMatchSchema.Name)
	if matchSchema == nil {
		t.Fatal("no json.match_schema")
	}
	return func(doc any) (ok bool, errs string) {
		t.Helper()
		v, err := ast.InterfaceToValue(doc)
		if err != nil {
			t.Fatal(err)
		}
		operands := []*ast.Term{ast.NewTerm(v), ast.StringTerm(string(text))}
		err = matchSchema(topdown.BuiltinContext{Context: context.Background()}, operands, func(out *ast.Term) error {
			pair := out.Value.(*ast.Array)
			ok, errs = bool(pair.Elem(0).Value.(ast.Boolean)), pair.Elem(1).String()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ok, errs
	}
}

func stageSchema(t *testing.T, s policy.Stage) []byte {
	t.Helper()
	b, ok := schema.For(string(s))
	if !ok {
		t.Fatalf("no schema for %s", s)
	}
	return b
}

// The documents that policies see fit the published schemas.
func TestDocumentsFitTheSchemas(t *testing.T) {
	union := matcher(t, schema.Input())
	for _, in := range slices.Concat(richInputs(), bareInputs()) {
		doc := fullDocument(t, in)
		if ok, errs := matcher(t, stageSchema(t, in.Stage))(doc); !ok {
			t.Errorf("%s: %v", in.Stage, errs)
		}
		if ok, errs := union(doc); !ok {
			t.Errorf("%s in the union: %v", in.Stage, errs)
		}
		for _, other := range policy.Stages() {
			if ok, _ := matcher(t, stageSchema(t, other))(doc); ok && other != in.Stage {
				t.Errorf("a document of %s fits the schema of %s", in.Stage, other)
			}
		}
	}
}

// What a schema requires is asked for, and what it does not name is refused,
// at every depth; and nothing that it names is never there.
func TestSchemasAreExact(t *testing.T) {
	for _, in := range richInputs() {
		t.Run(string(in.Stage), func(t *testing.T) {
			text := stageSchema(t, in.Stage)
			match := matcher(t, text)
			doc := fullDocument(t, in)
			var root object
			if err := json.Unmarshal(text, &root); err != nil {
				t.Fatal(err)
			}
			refuses := func(at, what string) {
				if ok, _ := match(doc); ok {
					t.Errorf("%s: %s passes", at, what)
				}
			}
			seen, named := map[string]bool{}, map[string]bool{}
			properties(root, "", named)
			var walk func(at string, s, v any)
			walk = func(at string, s, v any) {
				shape, _ := s.(object)
				switch v := v.(type) {
				case object:
					props, _ := shape["properties"].(object)
					for k, p := range props {
						if member, there := v[k]; there {
							seen[at+"."+k] = true
							walk(at+"."+k, p, member)
						}
					}
					required, _ := shape["required"].([]any)
					for _, r := range required {
						k := r.(string)
						member := v[k]
						delete(v, k)
						refuses(at, "a document without "+k)
						v[k] = member
					}
					if shape["additionalProperties"] == false {
						v["surplus"] = true
						refuses(at, "an unknown member")
						delete(v, "surplus")
					}
				case []any:
					for _, x := range v {
						walk(at+"[]", shape["items"], x)
					}
				}
			}
			walk("", root, doc)
			for _, name := range slices.Sorted(maps.Keys(named)) {
				if !seen[name] {
					t.Errorf("%s is in the schema and in no document", name)
				}
			}
			if ok, errs := match(doc); !ok {
				t.Errorf("the document did not come back: %v", errs)
			}
		})
	}
}

// properties collects the paths of all properties of a schema.
func properties(s any, at string, into map[string]bool) {
	shape, _ := s.(object)
	props, _ := shape["properties"].(object)
	for k, p := range props {
		into[at+"."+k] = true
		properties(p, at+"."+k, into)
	}
	if items, ok := shape["items"]; ok {
		properties(items, at+"[]", into)
	}
}
