package anthropic

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
)

// TestWhatMessagesKeep: files and containers are named by their ids; what a
// tool was asked is the agent's own.
func TestWhatMessagesKeep(t *testing.T) {
	r, err := Messages{}.Request(wire.Incoming{Body: []byte(`{"model":"m","max_tokens":9,"container":{"id":"cont-1"},"messages":[
		{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file-1"}},{"type":"container_upload","file_id":"file-2"}]},
		{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"file_id":"mine"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"file","file_id":"file-3"}}]}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got, want := r.(wire.Referrer).References(), []string{"cont-1", "file-1", "file-2", "file-3"}; !slices.Equal(got, want) {
		t.Errorf("references %q, want %q", got, want)
	}
	const block = `{"type":"bash_code_execution_tool_result","tool_use_id":"s","content":{"type":"bash_code_execution_result","content":[{"type":"bash_code_execution_output","file_id":"file-4"}]}}`
	reply, err := Messages{}.Reply([]byte(`{"id":"m","type":"message","role":"assistant","model":"m","content":[` + block + `],"stop_reason":"end_turn","container":{"id":"cont-2","expires_at":"x"},"usage":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"file-4", "cont-2"}
	if got := reply.(wire.Creator).Created(); !slices.Equal(got, want) {
		t.Errorf("created %q, want %q", got, want)
	}
	s := Messages{}.Stream(wire.StreamOptions{})
	for _, data := range []string{
		`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{}}}`,
		`{"type":"content_block_start","index":0,"content_block":` + block + `}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","container":{"id":"cont-2"}},"usage":{}}`,
	} {
		name, _, _ := strings.Cut(strings.TrimPrefix(data, `{"type":"`), `"`)
		if _, err := s.Event(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.(wire.Creator).Created(); !slices.Equal(got, want) {
		t.Errorf("created %q in a stream, want %q", got, want)
	}
}

// TestTheValuesInASchemaAreAnyJSON: words behind keys that are structure
// elsewhere are words there.
func TestTheValuesInASchemaAreAnyJSON(t *testing.T) {
	body := []byte(`{"model":"m","max_tokens":9,"messages":[],"tools":[{"name":"f","input_schema":{"type":"object","properties":{
		"a":{"type":"string","default":{"id":"w1","signature":"w2"},"examples":[{"type":"w3"}],"const":{"role":"w4"}}}}}]}`)
	r, err := Messages{}.Request(wire.Incoming{Body: body})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var got []string
	for _, x := range r.Texts() {
		got = append(got, string(body[x.Start:x.End]))
	}
	if want := []string{`"w1"`, `"w2"`, `"w3"`, `"w4"`}; !slices.Equal(got, want) {
		t.Errorf("texts %q, want %q", got, want)
	}
}
