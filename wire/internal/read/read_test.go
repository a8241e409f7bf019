package read_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// TestDrop: whichever elements go, the others stay as they were.
func TestDrop(t *testing.T) {
	const body = `{"a":[ {"x":1} , "b",[3], 4 ],"z":0}`
	all := []any{map[string]any{"x": 1.0}, "b", []any{3.0}, 4.0}
	doc, err := strictjson.Parse([]byte(body), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer doc.Release()
	for set := range 1 << len(all) {
		gone, want := make([]bool, len(all)), []any{}
		for i, e := range all {
			if gone[i] = set&(1<<i) != 0; !gone[i] {
				want = append(want, e)
			}
		}
		out := strictjson.Splice(nil, []byte(body), read.Drop(doc.Root().Get("a"), gone))
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(map[string]any{"a": want, "z": 0.0}, got); diff != "" {
			t.Errorf("%v: %s", gone, diff)
		}
		if set == 0 && string(out) != body {
			t.Errorf("%s", out)
		}
	}
}
