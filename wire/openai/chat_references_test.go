package openai

import (
	"slices"
	"testing"

	"github.com/headgate/headgate/wire"
)

// TestWhatAChatKeeps: files and earlier sounds are named by their ids, and a
// sound of a reply gets one.
func TestWhatAChatKeeps(t *testing.T) {
	r, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[
		{"role":"user","content":[{"type":"file","file":{"file_id":"file-2"}},{"type":"text","text":"x"},{"type":"file","file":{"file_id":"file-1"}}]},
		{"role":"assistant","audio":{"id":"audio-1"}},
		{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got, want := r.(wire.Referrer).References(), []string{"audio-1", "file-1", "file-2"}; !slices.Equal(got, want) {
		t.Errorf("references %q, want %q", got, want)
	}
	reply, err := Chat{}.Reply([]byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"audio-2","data":"AAAA","transcript":"hi"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := reply.(wire.Creator).Created(); !slices.Equal(got, []string{"audio-2"}) {
		t.Errorf("created %q", got)
	}
	s := Chat{}.Stream(wire.StreamOptions{})
	for range 2 {
		if _, err := s.Event("", []byte(`{"choices":[{"index":0,"delta":{"audio":{"id":"audio-3","transcript":"h"}}}]}`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.(wire.Creator).Created(); !slices.Equal(got, []string{"audio-3"}) {
		t.Errorf("created %q in a stream", got)
	}
}
