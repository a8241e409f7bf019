package gemini

import (
	"fmt"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// modelName is the model of a path: "gemini-2.5-flash" below models/, or
// "tunedModels/abc".
type modelName struct {
	id    string
	tuned bool
}

func modelOf(params wire.Params) (modelName, error) {
	if id := params["model"]; id != "" {
		return modelName{id: id}, nil
	}
	if id := params[tuned]; id != "" {
		return modelName{id: id, tuned: true}, nil
	}
	return modelName{}, read.Wrong("model", "the path names no model")
}

// String is the name that policies see.
func (m modelName) String() string {
	if m.tuned {
		return "tunedModels/" + m.id
	}
	return m.id
}

// named tells whether a body's name for a model means this one: the name alone
// or with models/ before it, and Vertex AI's publishers/google/models/ and
// projects/{project}/locations/{location}/publishers/google/models/.
func (m modelName) named(s string) bool {
	before, ok := strings.CutSuffix(s, m.id)
	if !ok || m.tuned {
		return s == m.String()
	}
	before = strings.TrimSuffix(before, "models/")
	if before == "" {
		return true
	}
	before, ok = strings.CutSuffix(before, "publishers/google/")
	if !ok || !strings.HasSuffix(s, "models/"+m.id) {
		return false
	}
	at := strings.Split(before, "/")
	return before == "" || len(at) == 5 && at[0] == "projects" && at[1] != "" && at[2] == "locations" && at[3] != "" && at[4] == ""
}

// models are the places of a body that name the model as the path does.
func models(root strictjson.Value) []strictjson.Value {
	var all []strictjson.Value
	scopes := append([]strictjson.Value{root, get(root, "generateContentRequest")}, list(get(root, "requests"))...)
	for _, v := range scopes {
		if m := get(v, "model"); m.Exists() {
			all = append(all, m)
		}
	}
	return all
}

func (m modelName) check(root strictjson.Value) error {
	for _, v := range models(root) {
		if v.Kind() != strictjson.String || !m.named(v.Str()) {
			return read.Wrong("model", "the body names another model than the path")
		}
	}
	return nil
}

// ForceModel names another model where the body names one; the path is not
// touched. A tuned model has no other in its place.
func (r *request) ForceModel(body []byte, model string) ([]byte, error) {
	if r.model.tuned {
		return nil, read.Wrong("model", "a tuned model cannot be replaced by another model")
	}
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("set the model: %w", err)
	}
	defer doc.Release()
	var edits []strictjson.Replacement
	for _, v := range models(doc.Root()) {
		before := strings.TrimSuffix(v.Str(), r.model.id)
		edits = append(edits, read.Replace(v, strictjson.AppendQuoted(nil, before+model)))
	}
	read.Sort(edits)
	return strictjson.Splice(nil, body, edits), nil
}
