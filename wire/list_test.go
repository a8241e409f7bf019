package wire_test

import (
	"slices"
	"testing"

	"github.com/headgate/headgate/wire"
)

// TestModelLists: the lists of three APIs, with a model taken out of each.
func TestModelLists(t *testing.T) {
	for _, tt := range []struct {
		name       string
		codec      wire.ModelList
		body, want string
	}{
		{
			"openai",
			wire.ModelList{Array: "data", Name: "id"},
			`{"object":"list","data":[{"id":"a"},{"id":"b"}]}`, `{"object":"list","data":[{"id":"b"}]}`,
		},
		{
			"anthropic",
			wire.ModelList{Array: "data", Name: "id"},
			`{"data":[{"type":"model","id":"a"},{"type":"model","id":"b"}],"has_more":false,"first_id":"a","last_id":"b"}`,
			`{"data":[{"type":"model","id":"b"}],"has_more":false,"first_id":"b","last_id":"b"}`,
		},
		{
			"gemini",
			wire.ModelList{Array: "models", Name: "name", Prefix: "models/"},
			`{"models":[{"name":"models/a","displayName":"A"},{"name":"models/b"}],"nextPageToken":"t"}`,
			`{"models":[{"name":"models/b"}],"nextPageToken":"t"}`,
		},
		{
			"ollama",
			wire.ModelList{Array: "models", Name: "name"},
			`{"models":[{"name":"a","model":"a","size":1},{"name":"b","model":"b","size":2}]}`, `{"models":[{"name":"b","model":"b","size":2}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := tt.codec.List([]byte(tt.body))
			if err != nil || !slices.Equal(l.Models, []string{"a", "b"}) {
				t.Fatalf("%v, %v", l, err)
			}
			if got := string(l.Without([]bool{true, false})); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := string(l.Without([]bool{false, false})); got != tt.body {
				t.Errorf("untouched, got %s", got)
			}
		})
	}
}
