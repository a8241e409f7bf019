package gemini_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/enforce/enforcetest"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/gemini"
	"github.com/headgate/headgate/wire/internal/recordings"
)

type rules = enforcetest.Policy

// gate is one that redacts replies and arguments.
func gate(t *testing.T, p rules, selectors ...string) *enforce.Gate {
	t.Helper()
	g, err := enforcetest.Gate(gemini.Dialect{}, "/v1beta", p, nil, selectors...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// framing is one of the ways in which a reply streams.
type framing struct {
	name, query, media    string
	format                frame.Format
	open, between, closed string
}

var framings = []framing{
	{"events", "?alt=sse", "text/event-stream", frame.SSE, "data: ", "\r\n\r\ndata: ", "\r\n\r\n"},
	{"array", "", "application/json", frame.Array, "[", "\n,\r\n", "\n]\n"},
	{"narrow array", "", "application/json", frame.Array, "[", ",", "]"},
	{"array of another's", "?alt=json", "application/json", frame.Array, " [\n", "\n,\n", "]\n"},
}

func (f framing) write(events ...string) string {
	return f.open + strings.Join(events, f.between) + f.closed
}

// exchange sends a prompt through a gate to an upstream that answers with a
// stream, in writes of n bytes, and then ends with an error or not.
func exchange(g *enforce.Gate, f framing, stream string, n int, end error) *httptest.ResponseRecorder {
	return enforcetest.Exchange(g, http.MethodPost, "/v1beta/models/m:streamGenerateContent"+f.query, `{"contents":[{"parts":[{"text":"hi"}]}]}`,
		enforcetest.Upstream{Media: f.media, Body: stream, Size: n, End: end})
}

// said joins what the events of a stream say: words, thoughts, code and
// arguments. The key "error" holds the message of an error, and "]" the
// bracket of an array.
func said(t *testing.T, f framing, body string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	rd := f.format.NewReader()
	rd.Feed([]byte(body))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if !ok {
			return texts
		}
		if !ev.HasData {
			t.Fatalf("%q in %q", ev.Raw, body)
		}
		if string(ev.Data) == "]" {
			texts["]"] = "]"
			continue
		}
		var e struct {
			Candidates []struct {
				Content struct {
					Parts []struct {
						Text           string
						Thought        bool
						FunctionCall   struct{ Args struct{ Q string } }
						ExecutableCode struct{ Code string }
					}
				}
			}
			Error struct{ Message string }
		}
		if err := json.Unmarshal(ev.Data, &e); err != nil {
			t.Fatalf("%q: %v", ev.Raw, err)
		}
		texts["error"] += e.Error.Message
		for _, c := range e.Candidates {
			for _, p := range c.Content.Parts {
				name := "text"
				if p.Thought {
					name = "thought"
				}
				texts[name] += p.Text
				texts["args"] += p.FunctionCall.Args.Q
				texts["code"] += p.ExecutableCode.Code
			}
		}
	}
}

// part is an event with one part of candidate 0.
func part(t *testing.T, p map[string]any, more ...string) string {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return `{"candidates": [{"content": {"parts": [` + string(b) + `]}` + strings.Join(more, "") + `}]}`
}

const finish = `,"finishReason": "STOP"`

type object = map[string]any

var errCut = errors.New("connection reset")

// realStreams are the recorded streams.
func realStreams(t *testing.T) []string {
	t.Helper()
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for _, r := range all {
		if r.Protocol == "gemini-stream" && r.Response != nil && strings.HasPrefix(r.Response.Body, "data:") {
			bodies = append(bodies, r.Response.Body)
		}
	}
	return bodies
}

// toArray writes a stream of events as an array.
func toArray(t *testing.T, f framing, body string) string {
	t.Helper()
	var list []string
	rd := frame.SSE.NewReader()
	rd.Feed([]byte(body))
	for {
		ev, ok, err := rd.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return f.write(list...)
		}
		if !ev.HasData {
			continue
		}
		list = append(list, string(ev.Data))
	}
}

// TestACleanStreamIsByteIdentical: every recording goes through a gate with
// detectors as it came, whether it flows or is held, as events and as an array.
func TestACleanStreamIsByteIdentical(t *testing.T) {
	bodies := append(realStreams(t), framings[0].write(
		part(t, object{"text": "hm", "thought": true}), part(t, object{"text": "Hello, "}, finish), ": comment",
		part(t, object{"text": "wörld \u2028"}, finish, `,"logprobsResult": {"chosenCandidates": [{"token": "w"}]}`),
		part(t, object{"functionCall": object{"name": "f", "args": object{"q": "x"}}}, finish, `,"groundingMetadata": {"groundingSupports": [{"segment": {"text": "w"}}]}`),
	))
	bodies[len(bodies)-1] = strings.ReplaceAll(bodies[len(bodies)-1], "data: : comment\r\n\r\n", ": comment\n\n")
	for _, hold := range []bool{false, true} {
		g := gate(t, rules{Holds: hold}, "US_SSN", "lit:nobody says this")
		for _, body := range bodies {
			for _, f := range framings {
				body := body
				if f.format == frame.Array {
					body = toArray(t, f, body)
				}
				for _, n := range []int{1, 7, 1000, 1 << 20} {
					if got := exchange(g, f, body, n, nil).Body.String(); got != body {
						t.Fatalf("hold %v, %s, writes of %d bytes:\n got %.2000q\nwant %.2000q", hold, f.name, n, got, body)
					}
				}
			}
		}
	}
	t.Logf("%d streams", len(bodies))
}

// TestAPlantedSecretIsRedacted: the last text of every recorded stream begins
// with a secret.
func TestAPlantedSecretIsRedacted(t *testing.T) {
	g := gate(t, rules{}, "lit:planted secret")
	planted := 0
	for _, body := range realStreams(t) {
		at := strings.LastIndex(body, `"text": "`)
		if at < 0 {
			continue
		}
		planted++
		at += len(`"text": "`)
		for _, f := range framings {
			with, want := body[:at]+"planted secret"+body[at:], body[:at]+"[REDACTED]"+body[at:]
			if f.format == frame.Array {
				with, want = toArray(t, f, with), toArray(t, f, want)
			}
			if got := exchange(g, f, with, 50, nil).Body.String(); got != want {
				t.Errorf("%s:\n got %.2000q\nwant %.2000q", f.name, got, want)
			}
		}
	}
	t.Logf("%d streams", planted)
}

// TestNoByteOfASecretAtAnyCut: a secret that is split at every offset over
// events, in each kind of channel, while the connection breaks off after every
// event.
func TestNoByteOfASecretAtAnyCut(t *testing.T) {
	const text, redacted = "write to alice.smith@example.com or not", "write to [EMAIL] or not"
	g := gate(t, rules{}, "EMAIL")
	for _, ch := range []struct {
		name string
		part func(text string) object
	}{
		{"text", func(s string) object { return object{"text": s} }},
		{"thought", func(s string) object { return object{"text": s, "thought": true} }},
	} {
		for cut := range len(text) {
			events := []string{
				part(t, ch.part(text[:cut]), finish), part(t, object{"functionCall": object{"name": "f"}}),
				part(t, ch.part(text[cut:])), part(t, object{"inlineData": object{"mimeType": "image/png", "data": "AA=="}}, finish),
			}
			for _, f := range framings {
				for last := range len(events) + 1 {
					end, stream := errCut, f.write(events[:last]...)
					if last == len(events) {
						end = nil
					} else if stream = strings.TrimSuffix(stream, f.closed); last == 0 {
						stream = ""
					}
					w := exchange(g, f, stream, 1000, end)
					if strings.Contains(w.Body.String(), "smith") || strings.Contains(w.Body.String(), "alice") || strings.Contains(w.Body.String(), "example") {
						t.Fatalf("%s, %s cut at %d, %d events: %s", f.name, ch.name, cut, last, w.Body)
					}
					if w.Code != http.StatusOK {
						if end == nil || w.Code != http.StatusBadGateway {
							t.Fatalf("%s, %s cut at %d, %d events: %d %s", f.name, ch.name, cut, last, w.Code, w.Body)
						}
						continue
					}
					got := said(t, f, w.Body.String())
					if !strings.HasPrefix(redacted, got[ch.name]) || end == nil && got[ch.name] != redacted {
						t.Fatalf("%s, %s cut at %d, %d events: %q", f.name, ch.name, cut, last, got[ch.name])
					}
					if failed := got["error"] != ""; failed != (end != nil) || f.format == frame.Array && got["]"] == "" {
						t.Fatalf("%s, %s cut at %d, %d events: %q", f.name, ch.name, cut, last, got)
					}
				}
			}
		}
	}
}

// TestAStreamCutAtEveryByte never ends as if it were whole.
func TestAStreamCutAtEveryByte(t *testing.T) {
	g := gate(t, rules{}, "EMAIL")
	for _, f := range framings {
		stream := f.write(part(t, object{"text": "write to a@example.com"}), part(t, object{"text": "!"}, finish))
		for cut := range len(stream) {
			w := exchange(g, f, stream[:cut], 1000, errCut)
			if w.Code != http.StatusOK {
				continue
			}
			got := said(t, f, w.Body.String())
			whole := f.format == frame.Array && cut >= strings.LastIndex(stream, "]")+1 // the bracket came
			if (got["error"] == "") != whole || strings.Contains(w.Body.String(), "example") {
				t.Fatalf("%s cut at %d: %s", f.name, cut, w.Body)
			}
		}
	}
}

// TestWholeParts: what stands whole in an event is redacted there.
func TestWholeParts(t *testing.T) {
	g := gate(t, rules{}, "EMAIL")
	for _, f := range framings {
		w := exchange(g, f, f.write(
			part(t, object{"functionCall": object{"name": "f", "args": object{"q": "to a@example.com"}}}),
			part(t, object{"executableCode": object{"code": "mail('b@example.com')"}}, finish),
		), 1000, nil)
		got := said(t, f, w.Body.String())
		if got["args"] != "to [EMAIL]" || got["code"] != "mail('[EMAIL]')" || got["error"] != "" {
			t.Errorf("%s: %q", f.name, got)
		}
	}
}
