package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// TestTranscripts plays the requests in testdata/*.txtar and compares every
// byte of the replies. A file's comment says what it shows; its section
// "request" is a line METHOD PATH and a body, "reply" is what came back.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	srv := httptest.NewServer(New())
	defer srv.Close()
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) == 0 || a.Files[0].Name != "request" || len(a.Comment) == 0 {
				t.Fatal("a transcript has a comment and a request")
			}
			got := play(t, srv.URL, string(a.Files[0].Data))
			if *update {
				a.Files = []txtar.File{a.Files[0], {Name: "reply", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) != 2 || a.Files[1].Name != "reply" {
				t.Fatal("no reply in the transcript: run with -update and read what it wrote")
			}
			if diff := cmp.Diff(string(a.Files[1].Data), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// play sends one request and returns status, headers and body as a transcript
// has them.
func play(t *testing.T, url, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n")
	method, path, ok := strings.Cut(head, " ")
	if !ok {
		t.Fatalf("no request line: %q", head)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(strings.TrimSuffix(body, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "no reply\n"
	}
	defer res.Body.Close()
	var b strings.Builder
	fmt.Fprintln(&b, res.Status)
	var names []string
	for name := range res.Header {
		if name != "Date" && name != "Content-Length" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, res.Header.Get(name))
	}
	reply, err := io.ReadAll(res.Body)
	fmt.Fprintf(&b, "\n%s\n", bytes.TrimRight(reply, "\n"))
	if err != nil {
		fmt.Fprintln(&b, "[cut]")
	}
	return b.String()
}

// chat posts a body to a fresh handler that does not pause, and returns what it
// wrote. A reply that
// is cut off panics, as net/http's own server expects; cut says so.
func chat(body string) (rec *httptest.ResponseRecorder, cut bool) {
	rec = httptest.NewRecorder()
	h := New()
	h.sleep = func(context.Context, time.Duration) {}
	req := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(body))
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			cut = true
		}
	}()
	h.ServeHTTP(rec, req)
	return rec, false
}

// ask returns a request body with one user message.
func ask(text string, more ...string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":%s}]%s}`, quoted, strings.Join(append([]string{""}, more...), ","))
}

func TestRefusals(t *testing.T) {
	deepChunk := ask("/chunk 1\n/echo", `"logprobs":true`, `"pad":"`+strings.Repeat("x", maxLogprobs)+`"`)
	tests := map[string]struct {
		method, path, body, encoding string
		status                       int
		param, code, allow           string
	}{
		"unknown path":       {method: "POST", path: "/v1/audio/speech", status: 404, code: "unknown_url"},
		"root":               {method: "GET", path: "/", status: 404, code: "unknown_url"},
		"no model id":        {method: "GET", path: "/v1/models/", status: 404, code: "unknown_url"},
		"wrong method":       {method: "GET", path: chatPath, status: 405, code: "method_not_allowed", allow: "POST"},
		"wrong method there": {method: "POST", path: modelsPath, status: 405, code: "method_not_allowed", allow: "GET"},
		"delete a model":     {method: "DELETE", path: modelsPath + "/m", status: 405, code: "method_not_allowed", allow: "GET"},
		"no body":            {status: 400},
		"no JSON":            {body: `{"model":`, status: 400},
		"trailing bytes":     {body: ask("x") + "{}", status: 400},
		"no object":          {body: `[1]`, status: 400},
		"no UTF-8":           {body: ask("x", "\"y\":\"\xff\""), status: 400},
		"no model":           {body: `{"messages":[{"role":"user","content":"x"}]}`, status: 400, param: "model"},
		"no messages":        {body: `{"model":"m"}`, status: 400, param: "messages"},
		"messages empty":     {body: `{"model":"m","messages":[]}`, status: 400, param: "messages"},
		"stream no boolean":  {body: ask("x", `"stream":"true"`), status: 400, param: "stream"},
		"content a number":   {body: `{"model":"m","messages":[{"role":"user","content":1}]}`, status: 400, param: "messages"},
		"n too small":        {body: ask("x", `"n":0`), status: 400, param: "n"},
		"n too large":        {body: ask("x", `"n":17`), status: 400, param: "n"},
		"tool not offered":   {body: ask("x", `"tool_choice":{"type":"function","function":{"name":"f"}}`), status: 400, param: "tool_choice"},
		"no tool to require": {body: ask("x", `"tool_choice":"required"`), status: 400, param: "tool_choice"},
		"tool choice a word": {body: ask("x", `"tool_choice":"maybe"`), status: 400, param: "tool_choice"},
		"tool choice a list": {body: ask("x", `"tool_choice":[]`), status: 400, param: "tool_choice"},
		"malformed command":  {body: ask("/status 200"), status: 400, param: "messages", code: "sandbox_command"},
		"many logprobs":      {body: deepChunk, status: 400, param: "logprobs"},
		"encoded body":       {body: ask("x"), encoding: "gzip", status: 415, code: "unsupported_encoding"},
		"body too large":     {body: strings.Repeat(" ", maxBody+1), status: 413, code: "body_too_large"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.method == "" {
				tt.method, tt.path = http.MethodPost, chatPath
			}
			req := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
			if tt.encoding != "" {
				req.Header.Set("Content-Encoding", tt.encoding)
			}
			rec := httptest.NewRecorder()
			New().ServeHTTP(rec, req)
			if rec.Code != tt.status {
				t.Errorf("status %d, want %d", rec.Code, tt.status)
			}
			if got := rec.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
			var reply map[string]map[string]any
			if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil {
				t.Fatalf("reply is no JSON: %v", err)
			}
			e := reply["error"]
			for _, key := range []string{"message", "type", "param", "code"} {
				if _, ok := e[key]; !ok {
					t.Errorf("no %q in the error", key)
				}
			}
			if e["message"] == "" || e["type"] != "invalid_request_error" {
				t.Errorf("error %v", e)
			}
			if got, _ := e["param"].(string); got != tt.param {
				t.Errorf("param %q, want %q", got, tt.param)
			}
			if got, _ := e["code"].(string); got != tt.code {
				t.Errorf("code %q, want %q", got, tt.code)
			}
		})
	}
}

func TestSameRequestSameReply(t *testing.T) {
	body := ask("/reason why\n/call f {\"a\":1}\n/say yes", `"n":2`, `"logprobs":true`, `"top_logprobs":1`)
	for _, stream := range []bool{false, true} {
		body := body
		if stream {
			body = strings.TrimSuffix(body, "}") + `,"stream":true}`
		}
		one, _ := chat(body)
		two, _ := chat(body)
		if one.Code != http.StatusOK || one.Body.String() != two.Body.String() {
			t.Errorf("stream %v: status %d, replies differ: %v", stream, one.Code, one.Body.String() != two.Body.String())
		}
		other, _ := chat(strings.Replace(body, "why", "how", 1))
		var a, b struct{ ID string }
		first := func(r *httptest.ResponseRecorder) string {
			line, _, _ := strings.Cut(r.Body.String(), "\n")
			return strings.TrimPrefix(line, "data: ")
		}
		if json.Unmarshal([]byte(first(one)), &a) != nil || json.Unmarshal([]byte(first(other)), &b) != nil || a.ID == "" || a.ID == b.ID {
			t.Errorf("stream %v: ids %q and %q of two different requests", stream, a.ID, b.ID)
		}
	}
}

// TestEchoIsTheBody: what /echo gives back is what was sent, white space,
// escapes and key order included.
func TestEchoIsTheBody(t *testing.T) {
	body := "{ \"messages\":[ {\"content\":\"/echo\",\"role\":\"user\"}],\n\t\"model\":\"m\", \"x\":\"<\\u00e9 \u2028é>\",\"n\":null }"
	rec, _ := chat(body)
	var reply chatCompletion
	if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	if got := deref(reply.Choices[0].Message.Content); got != body {
		t.Errorf("got  %q\nwant %q", got, body)
	}
}

// TestCut counts the events that come through before the connection breaks.
func TestCut(t *testing.T) {
	whole, _ := chat(ask("/say 0123456789", `"stream":true`))
	all := strings.Count(whole.Body.String(), "data: ") // role, two pieces, finish, [DONE]
	if all != 5 {
		t.Fatalf("%d events in the whole stream, want 5", all)
	}
	for n := range all + 2 {
		rec, cut := chat(ask(fmt.Sprintf("/say 0123456789\n/cut %d", n), `"stream":true`))
		if got := strings.Count(rec.Body.String(), "data: "); got != min(n, all) {
			t.Errorf("/cut %d: %d events", n, got)
		}
		if want := n <= all; cut != want {
			t.Errorf("/cut %d: cut %v, want %v", n, cut, want)
		}
	}
	for n, want := range map[int]bool{0: false, 1: true, 9: true} {
		rec, cut := chat(ask(fmt.Sprintf("/cut %d", n)))
		if b := rec.Body.Bytes(); !cut || (len(b) > 0) != want || json.Valid(b) {
			t.Errorf("JSON reply with /cut %d: cut %v, %d bytes", n, cut, len(b))
		}
	}
}

// TestPause counts the waits instead of living through them.
func TestPause(t *testing.T) {
	var slept []time.Duration
	h := New()
	h.sleep = func(_ context.Context, d time.Duration) { slept = append(slept, d) }
	for stream, want := range map[bool]int{false: 1, true: 4} {
		slept = nil
		req := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(ask("/say 0123456789\n/pause 30ms", fmt.Sprintf(`"stream":%v`, stream))))
		h.ServeHTTP(httptest.NewRecorder(), req)
		if len(slept) != want || slept[0] != 30*time.Millisecond {
			t.Errorf("stream %v: slept %v, want %d times 30ms", stream, slept, want)
		}
	}
}

// TestStreamStopsWithTheClient: a client that has left ends the stream.
func TestStreamStopsWithTheClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := New()
	events := 0
	h.sleep = func(context.Context, time.Duration) {
		if events++; events == 3 {
			cancel()
		}
	}
	req := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(ask("/chunk 1\n/echo", `"stream":true`))).WithContext(ctx)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if got := strings.Count(rec.Body.String(), "data: "); got != 4 || strings.Contains(rec.Body.String(), "[DONE]") {
		t.Errorf("%d events after the client left at the third", got)
	}
}

// TestUsageCountsTokens: the count that the package comment gives.
func TestUsageCountsTokens(t *testing.T) {
	rec, _ := chat(`{"model":"m","messages":[{"role":"system","content":"123456"},{"role":"user","content":"/reason 1\n/say 12345\n/call f 123456"}]}`)
	var reply chatCompletion
	if err := json.Unmarshal(rec.Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	u := reply.Usage
	// 6 runes; 9+1+10+1+14 runes. 1 rune; 5 runes; 6 runes.
	if u.PromptTokens != 2+7 || u.CompletionTokens != 1+1+2 || u.TotalTokens != 13 || u.CompletionDetails.ReasoningTokens != 1 {
		t.Errorf("usage %+v", *u)
	}
}
