package enforce_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// prompts are the ways to send one text, %s, to a model.
var prompts = map[string]struct{ path, body, reply string }{
	"chat":               {"/chat/completions", `{"model":"m","messages":[{"role":"user","content":%s}]}`, `{"choices":[{"message":{"content":"ok"}}]}`},
	"completions":        {"/completions", `{"model":"m","prompt":%s}`, `{"choices":[{"text":"ok"}]}`},
	"one of completions": {"/completions", `{"model":"m","prompt":["hello",%s]}`, `{"choices":[{"text":"ok"}]}`},
	"a suffix":           {"/completions", `{"model":"m","prompt":"hello","suffix":%s}`, `{"choices":[{"text":"ok"}]}`},
	"embeddings":         {"/embeddings", `{"model":"m","input":%s}`, `{"data":[]}`},
	"one of embeddings":  {"/embeddings", `{"model":"m","input":["hello",%s]}`, `{"data":[]}`},
	"moderations":        {"/moderations", `{"model":"m","input":%s}`, `{"results":[]}`},
	"a response":         {"/responses", `{"model":"m","input":%s}`, `{"output":[]}`},
	"an item":            {"/responses", `{"model":"m","input":[{"role":"user","content":%s}]}`, `{"output":[]}`},
	"instructions":       {"/responses", `{"model":"m","instructions":%s,"input":"hello"}`, `{"output":[]}`},
	"to be compacted":    {"/responses/compact", `{"model":"m","input":%s}`, `{"output":[]}`},
	"to be counted":      {"/responses/input_tokens", `{"input":%s}`, `{"input_tokens":1}`},
	"a conversation":     {"/conversations", `{"items":[{"role":"user","content":%s}]}`, `{"id":"conv_1"}`},
	"a moderation part":  {"/moderations", `{"model":"m","input":[{"type":"text","text":%s}]}`, `{"results":[]}`},
}

// TestOneDecisionWhateverTheEndpoint: a rule about the messages' text denies
// the same prompt on every path, and lets another through.
func TestOneDecisionWhateverTheEndpoint(t *testing.T) {
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PreChat: policy.FieldMessages},
		decide: func(in *policy.Input) policy.Decision {
			var messages []struct{ Text string }
			if in.Stage != policy.PreChat {
				return policy.Decision{}
			}
			if err := json.Unmarshal(in.Messages, &messages); err != nil {
				t.Errorf("%v in %s", err, in.Messages)
			}
			for _, m := range messages {
				if strings.Contains(m.Text, "launch") {
					return policy.Decision{Action: policy.Deny, Reason: "no launch codes"}
				}
			}
			return policy.Decision{}
		},
	}
	for name, e := range prompts {
		t.Run(name, func(t *testing.T) {
			log := &book{}
			w := exchange(gate(t, p, log, nil), post(e.path, fmt.Sprintf(e.body, `"l\u0061unch"`)), func(*enforce.Reply, *http.Request) error {
				t.Error("it went upstream")
				return nil
			})
			status, want := http.StatusForbidden, `{"error":{"message":"no launch codes","type":"policy_denied","param":null,"code":"policy_denied"}}`
			if strings.HasPrefix(e.path, "/responses") || e.path == "/conversations" {
				status, want = http.StatusBadRequest, strings.Replace(want, `"code":"policy_denied"`, `"code":"invalid_prompt"`, 1)
			}
			if w.Code != status || w.Body.String() != want || log.story() != "pre_chat deny" {
				t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
			}
			log = &book{}
			w = exchange(gate(t, p, log, nil), post(e.path, fmt.Sprintf(e.body, `"lunch"`)), jsonReply(200, e.reply))
			if w.Code != 200 || w.Body.String() != e.reply || log.story() != "pre_chat allow, post_chat allow, outcome complete" {
				t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
			}
		})
	}
}

// TestOneRedactionWhateverTheEndpoint: what goes upstream is the same body
// with the value replaced, and an allowed one is the same bytes.
func TestOneRedactionWhateverTheEndpoint(t *testing.T) {
	configured := func(c *enforce.Config) { c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}} }
	for name, e := range prompts {
		t.Run(name, func(t *testing.T) {
			for text, want := range map[string]string{
				`"to alice@example.com \u00e9"`: `"to [EMAIL] \u00e9"`,
				`"to nobody \u00e9"`:            `"to nobody \u00e9"`,
			} {
				var got strings.Builder
				exchange(gate(t, rules{}, &book{}, configured), post(e.path, fmt.Sprintf(e.body, text)), func(_ *enforce.Reply, r *http.Request) error {
					_, err := copyBody(&got, r)
					return err
				})
				if want := fmt.Sprintf(e.body, want); got.String() != want {
					t.Errorf("\n got %s\nwant %s", got.String(), want)
				}
			}
		})
	}
}

// TestTokenIDsNeverGoUpstream: a prompt that nobody can read.
func TestTokenIDsNeverGoUpstream(t *testing.T) {
	for name, e := range prompts {
		for _, ids := range []string{`[1,2]`, `[[1,2],[3]]`} {
			log := &book{}
			w := exchange(gate(t, rules{}, log, nil), post(e.path, fmt.Sprintf(e.body, ids)), func(*enforce.Reply, *http.Request) error {
				t.Errorf("%s: it went upstream", name)
				return nil
			})
			if w.Code != http.StatusBadRequest || log.story() != "request deny" {
				t.Errorf("%s: %d %s, audit %s", name, w.Code, w.Body, log.story())
			}
		}
	}
}

// TestAStreamWhereNoneBelongs: an endpoint without streams passes no event on.
func TestAStreamWhereNoneBelongs(t *testing.T) {
	for _, name := range []string{"embeddings", "moderations"} {
		e := prompts[name]
		for _, needs := range []policy.Fields{0, policy.FieldResponse} {
			p := rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}
			w := exchange(gate(t, p, &book{}, nil), post(e.path, fmt.Sprintf(e.body, `"hi"`)), stream("data: {\"data\":[]}\n\n"+done, 1000, nil))
			if w.Code != http.StatusBadGateway || strings.Contains(w.Body.String(), "data:") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	}
}

const completion = `{"model":"m","stream":true,"prompt":"hi"}`

// textEvent is a chunk of a streamed completion.
func textEvent(choice int, text, finish string) string {
	b, _ := json.Marshal(text)
	f := "null"
	if finish != "" {
		f = `"` + finish + `"`
	}
	return fmt.Sprintf("data: {\"id\":\"x\",\"choices\":[{\"text\":%s,\"index\":%d,\"logprobs\":null,\"finish_reason\":%s}]}\n\n", b, choice, f)
}

// saidTexts collects what a client reads of a streamed completion, by choice;
// an error event is said under -1.
func saidTexts(t *testing.T, body string) map[int]string {
	t.Helper()
	texts := map[int]string{}
	for _, ev := range strings.Split(body, "\n\n") {
		data, ok := strings.CutPrefix(ev, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk struct {
			Error   *struct{ Message string }
			Choices []struct {
				Index int
				Text  string
			}
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		if chunk.Error != nil {
			texts[-1] += chunk.Error.Message
		}
		for _, c := range chunk.Choices {
			texts[c.Index] += c.Text
		}
	}
	return texts
}

// TestACleanStreamOfACompletionIsByteIdentical: for every size of the
// upstream's writes, held or not.
func TestACleanStreamOfACompletionIsByteIdentical(t *testing.T) {
	body := ": ping\n\n" + textEvent(0, "Hello, ", "") + "data: {\"choices\": [{\"index\":0,\"text\":\"w\\u00f6rld. \",\"logprobs\":{\"tokens\":[\"w\\u00f6rld. \"]}}]}\r\n\r\n" +
		textEvent(0, "", "") + textEvent(0, "Bye", "length") + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n" + done
	for _, needs := range []policy.Fields{0, policy.FieldResponse} {
		p := rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}
		for n := 1; n < len(body); n += 1 + n/8 {
			log := &book{}
			w := exchange(gate(t, p, log, withRedaction("*")), post("/completions", completion), stream(body, n, nil))
			if w.Body.String() != body || !strings.HasSuffix(log.story(), "outcome complete") {
				t.Fatalf("needs %v, writes of %d bytes, audit %s:\n got %q\nwant %q", needs, n, log.story(), w.Body, body)
			}
		}
	}
}

// TestNoByteOfASecretInACompletionAtAnyCut: split at every offset over events,
// in two choices at once, while the connection breaks off after every event.
func TestNoByteOfASecretInACompletionAtAnyCut(t *testing.T) {
	const text, want = "write to alice.smith@example.com or not", "write to [EMAIL] or not"
	for _, needs := range []policy.Fields{0, policy.FieldResponse} {
		g := gate(t, rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}, &book{}, withRedaction("EMAIL"))
		for cut := range len(text) {
			events := []string{
				textEvent(0, text[:cut], ""), textEvent(1, text[:len(text)-cut], ""),
				textEvent(0, text[cut:], "stop"), textEvent(1, text[len(text)-cut:], "length"), done,
			}
			for last := range len(events) + 1 {
				end := errCut
				if last == len(events) {
					end = nil
				}
				w := exchange(g, post("/completions", completion), stream(strings.Join(events[:last], ""), 1000, end))
				got := saidTexts(t, w.Body.String())
				for choice := range 2 {
					if !strings.HasPrefix(want, got[choice]) || last == len(events) && got[choice] != want {
						t.Fatalf("cut at %d, %d events: choice %d is %q", cut, last, choice, got[choice])
					}
				}
				if last < len(events)-1 && w.Code == 200 && got[-1] == "" {
					t.Fatalf("cut at %d, %d events: a clean end", cut, last)
				}
			}
		}
	}
}
