package schema_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/schema"
)

func TestNames(t *testing.T) {
	var want []string
	for _, s := range policy.Stages() {
		want = append(want, string(s))
	}
	if diff := cmp.Diff(want, schema.Names()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range []string{"", "input", "pre_chat.json", "../schema/pre_chat"} {
		if b, ok := schema.For(name); ok || b != nil {
			t.Errorf("there is a schema for %q", name)
		}
	}
}

// The schema of the input is the union of the stages': every property of a
// stage with that stage's type, required where all stages require it.
func TestInputIsTheUnion(t *testing.T) {
	union := map[string]any{}
	names := map[string]int{}
	for _, name := range schema.Names() {
		b, ok := schema.For(name)
		if !ok {
			t.Fatalf("no schema for %s", name)
		}
		s := bare(t, b)
		for k, v := range s["properties"].(map[string]any) {
			if k == "stage" {
				if diff := cmp.Diff(v.(map[string]any)["enum"], []any{name}); diff != "" {
					t.Errorf("%s: stage: %s", name, diff)
				}
				v = map[string]any{"type": "string"}
			}
			if old, there := union[k]; there {
				if diff := cmp.Diff(old, v); diff != "" {
					t.Errorf("%s: %s is not what it is elsewhere:\n%s", name, k, diff)
				}
			}
			union[k] = v
		}
		for _, k := range s["required"].([]any) {
			names[k.(string)]++
		}
	}
	var required []string
	for _, k := range slices.Sorted(maps.Keys(names)) {
		if names[k] == len(schema.Names()) {
			required = append(required, k)
		}
	}

	input := bare(t, schema.Input())
	props := input["properties"].(map[string]any)
	var stages []string
	for _, s := range props["stage"].(map[string]any)["enum"].([]any) {
		stages = append(stages, s.(string))
	}
	delete(props["stage"].(map[string]any), "enum")
	if diff := cmp.Diff(schema.Names(), stages); diff != "" {
		t.Errorf("stages: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(union, props); diff != "" {
		t.Errorf("properties: -union +input:\n%s", diff)
	}
	var got []string
	for _, k := range input["required"].([]any) {
		got = append(got, k.(string))
	}
	slices.Sort(got)
	if diff := cmp.Diff(required, got); diff != "" {
		t.Errorf("required: -want +got:\n%s", diff)
	}
	if input["additionalProperties"] != false {
		t.Error("the input is not closed")
	}
}

// Every property says what it is.
func TestDescriptions(t *testing.T) {
	for _, name := range append(schema.Names(), "input") {
		b := schema.Input()
		if name != "input" {
			b, _ = schema.For(name)
		}
		var walk func(at string, v any)
		walk = func(at string, v any) {
			obj, ok := v.(map[string]any)
			if !ok {
				return
			}
			props, _ := obj["properties"].(map[string]any)
			for k, p := range props {
				if d, _ := p.(map[string]any)["description"].(string); d == "" {
					t.Errorf("%s.%s has no description", at, k)
				}
				walk(at+"."+k, p)
			}
			walk(at+"[]", obj["items"])
		}
		walk(name, decode(t, b))
	}
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// bare is a schema without what is said for people alone. A property that has
// the name "description" would be an object and stays.
func bare(t *testing.T, b []byte) map[string]any {
	t.Helper()
	s := decode(t, b)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["description"].(string); ok {
				delete(v, "description")
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(s)
	return s
}
