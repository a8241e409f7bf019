package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzDialects: whatever the body and wherever it is sent, the reply is JSON, or
// a stream, or nothing, and the same again for the same request.
func FuzzDialects(f *testing.F) {
	var paths []string
	for path := range routes {
		paths = append(paths, path)
	}
	for _, d := range dialects {
		paths = append(paths, d.path, d.stream)
		for _, text := range []string{"hello", "/reason r\n/say Grüße\n/call f {\"a\":1}\n/chunk 2", "/refuse no\n/cut 2", "/status 529", "/finish length\n/echo"} {
			quoted, _ := json.Marshal(text)
			f.Add(uint8(0), fmt.Sprintf(d.body, quoted, true))
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for i := range paths {
		f.Add(uint8(i), `{"model":"m","max_tokens":1,"prompt":[1],"input":[{"type":"message","role":"user","content":[{"text":"/call f"}]},{"type":"x_output","output":"r"}],"tools":[{"type":"namespace","tools":[{"type":"custom","name":"f"}]}],"tool_choice":"auto"}`)
		f.Add(uint8(i), `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"x"}]},{"type":"text","text":"/say y"}]}],"contents":[{"parts":[{"functionResponse":{"response":{}}}]}],"stream":true}`)
		f.Add(uint8(i), `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"/say x\n/cut 1"},"_meta":{"progressToken":1}}}`)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		path := paths[int(which)%len(paths)]
		one, cut := post(t.Context(), path, body, nil, nothing)
		two, again := post(t.Context(), path, body, nil, nothing)
		if one.Code != two.Code || one.Body.String() != two.Body.String() || cut != again {
			t.Fatalf("%s: the same request has two replies", path)
		}
		reply := one.Body.Bytes()
		switch kind := one.Header().Get("Content-Type"); {
		case cut:
		case one.Code == http.StatusAccepted:
			if len(reply) > 0 {
				t.Fatalf("%s: a notification is answered %q", path, reply)
			}
		case strings.HasPrefix(kind, "application/json"):
			if !json.Valid(reply) {
				t.Fatalf("%s: no JSON: %q", path, reply)
			}
		case strings.HasPrefix(kind, "text/event-stream"):
			checkEvents(t, one.Body.String())
		default:
			t.Fatalf("%s: %d with the type %q", path, one.Code, kind)
		}
	})
}

// checkEvents checks that each event of a whole stream is one line of JSON, or
// the end.
func checkEvents(t *testing.T, stream string) {
	t.Helper()
	for e := range strings.SplitSeq(strings.TrimSuffix(strings.ReplaceAll(stream, "\r\n", "\n"), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(e, "data: ")
		if !ok || name != "" && (!strings.HasPrefix(name, "event: ") || strings.Count(name, "\n") != 1) || data != "[DONE]" && !json.Valid([]byte(data)) {
			t.Fatalf("an event reads %q", e)
		}
	}
}
