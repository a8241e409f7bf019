package enforce_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

func copyBody(w io.Writer, r *http.Request) (int64, error) { return io.Copy(w, r.Body) }

// event is a chunk that says text in one channel of one choice.
func event(choice int, field, text string) string {
	b, _ := json.Marshal(text)
	return fmt.Sprintf("data: {\"id\":\"x\",\"choices\":[{\"index\":%d,\"delta\":{%q:%s},\"finish_reason\":null}]}\n\n", choice, field, b)
}

func finish(choice int) string {
	return fmt.Sprintf("data: {\"id\":\"x\",\"choices\":[{\"index\":%d,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", choice)
}

const done = "data: [DONE]\n\n"

// said collects what a client reads of a stream, by "choice/field"; an error
// event is said under "error".
func said(t testing.TB, body string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, ev := range strings.Split(body, "\n\n") {
		data, ok := strings.CutPrefix(ev, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk struct {
			Error   *struct{ Message string }
			Choices []struct {
				Index int
				Delta map[string]any
			}
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		if chunk.Error != nil {
			texts["error"] += chunk.Error.Message
		}
		for _, c := range chunk.Choices {
			for field, v := range c.Delta {
				if s, ok := v.(string); ok {
					texts[strconv.Itoa(c.Index)+"/"+field] += s
				}
			}
		}
	}
	return texts
}

// TestACleanStreamIsByteIdentical: with the detectors on, for every size of
// the upstream's writes, with comments and odd line endings in it.
func TestACleanStreamIsByteIdentical(t *testing.T) {
	body := ": ping\n\n" + event(0, "content", "Hello, ") + "data: {\"id\":\"x\", \"choices\":[{\"index\":0,\"delta\":{\"content\":\"w\\u00f6rld. \"}}]}\r\n\r\n" +
		": keep-alive\n\n" + event(0, "content", "") + "event: chunk\nid: 7\n" + finish(0) +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n" + done
	for _, hold := range []bool{false, true} {
		p := rules{}
		if hold {
			p.needs = map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse}
		}
		for n := 1; n < len(body); n += 1 + n/8 {
			log := &book{}
			w := exchange(gate(t, p, log, withRedaction("*")), chatRequest(prompt), stream(body, n, nil))
			if w.Body.String() != body {
				t.Fatalf("hold %v, writes of %d bytes:\n got %q\nwant %q", hold, n, w.Body, body)
			}
			if !strings.HasSuffix(log.story(), "outcome complete") {
				t.Fatalf("writes of %d bytes: %s", n, log.story())
			}
		}
	}
}

// TestAStreamOfOddFraming: a byte order mark, CRLF throughout, a last event
// without a blank line.
func TestAStreamOfOddFraming(t *testing.T) {
	crlf := strings.ReplaceAll(event(0, "content", "mail a@example.com now")+finish(0), "\n", "\r\n")
	for name, body := range map[string]string{
		"crlf":               crlf + "data: [DONE]\r\n\r\n",
		"byte order mark":    "\ufeff" + crlf + done,
		"no last blank line": crlf + "data: [DONE]",
	} {
		for n := 1; n < len(body); n += 1 + n/4 {
			w := exchange(gate(t, rules{}, &book{}, withRedaction("EMAIL")), chatRequest(prompt), stream(body, n, nil))
			got := strings.TrimPrefix(strings.ReplaceAll(w.Body.String(), "\r\n", "\n"), "\ufeff")
			if said(t, got)["0/content"] != "mail [EMAIL] now" || !strings.Contains(got, "data: [DONE]") {
				t.Fatalf("%s, writes of %d: %q", name, n, w.Body)
			}
		}
	}
}

// TestARefusalInAStreamOfCRLF: what was let go is whole events, the LF of the last
// CRLF included, for clients that cut a stream at CRLF CRLF.
func TestARefusalInAStreamOfCRLF(t *testing.T) {
	body := strings.ReplaceAll(event(0, "content", "one")+event(0, "content", "two"), "\n", "\r\n")
	for n := 1; n <= len(body); n++ {
		w := exchange(gate(t, rules{}, &book{}, nil), chatRequest(prompt), stream(body, n, errors.New("reset")))
		let, refusal, ok := strings.Cut(w.Body.String(), `data: {"error"`)
		if !ok || !strings.HasSuffix(let, "\r\n\r\n") || !strings.HasSuffix(refusal, done) {
			t.Fatalf("writes of %d: %q", n, w.Body)
		}
	}
}

// TestEveryEventOfACleanStreamGoesOutAsItCame: with several channels, whose
// order among each other is free.
func TestEveryEventOfACleanStreamGoesOutAsItCame(t *testing.T) {
	events := []string{
		event(0, "reasoning_content", "first I"), event(1, "content", "Well"), event(0, "content", "The ans"), event(1, "content", ", no."),
		event(0, "content", "wer"), finish(1), event(0, "content", " is 42"), finish(0), done,
	}
	w := exchange(gate(t, rules{}, &book{}, withRedaction("*")), chatRequest(prompt), stream(strings.Join(events, ""), 50, nil))
	got := strings.SplitAfter(strings.TrimSuffix(w.Body.String(), "\n\n"), "\n\n")
	got[len(got)-1] += "\n\n"
	if got[len(got)-1] != done {
		t.Errorf("the last event is %q", got[len(got)-1])
	}
	slices.Sort(got)
	slices.Sort(events)
	if !slices.Equal(got, events) {
		t.Errorf("got %q\nwant %q", got, events)
	}
}

// TestNoByteOfASecretAtAnyCut: a secret that is split at every offset over
// events, in two channels at once, while the connection breaks off after every
// event.
func TestNoByteOfASecretAtAnyCut(t *testing.T) {
	const secret = "alice.smith@example.com"
	const text = "write to " + secret + " or not"
	g := gate(t, rules{}, &book{}, withRedaction("EMAIL"))
	for cut := range len(text) {
		events := []string{
			event(0, "content", text[:cut]), event(0, "reasoning_content", text[:len(text)-cut]),
			event(0, "content", text[cut:]), event(0, "reasoning_content", text[len(text)-cut:]), finish(0), done,
		}
		for last := range len(events) + 1 {
			body := strings.Join(events[:last], "")
			end := errCut
			if last == len(events) {
				end = nil
			}
			w := exchange(g, chatRequest(prompt), stream(body, 1000, end))
			got := said(t, w.Body.String())
			for _, ch := range []string{"0/content", "0/reasoning_content"} {
				if !strings.HasPrefix("write to [EMAIL] or not", got[ch]) {
					t.Fatalf("cut at %d, %d events: %s is %q", cut, last, ch, got[ch])
				}
				if last == len(events) && got[ch] != "write to [EMAIL] or not" {
					t.Fatalf("cut at %d: %s is %q", cut, ch, got[ch])
				}
			}
			if end != nil && w.Code == 200 && got["error"] == "" {
				t.Fatalf("cut at %d, %d events: a clean end", cut, last)
			}
		}
	}
}

// TestChannelsFlowWhileACallIsHeld: words of another choice, and of the same
// one, go on while a call's arguments are not whole.
func TestChannelsFlowWhileACallIsHeld(t *testing.T) {
	log := &book{}
	g := gate(t, rules{}, log, withRedaction("EMAIL"))
	part := "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n"
	w := exchange(g, chatRequest(prompt), stream(part+event(0, "content", "one. ")+event(1, "content", "two. "), 1000, errCut))
	got := said(t, w.Body.String())
	if got["0/content"] != "one. " || got["1/content"] != "two. " {
		t.Errorf("said %q", got)
	}
	if strings.Contains(w.Body.String(), "tool_calls") {
		t.Error("a part of an undecided call went out")
	}
	if strings.Contains(log.story(), "pre_tool") {
		t.Errorf("a call that never became whole was decided: %s", log.story())
	}
}

// TestWordsFlowBesideEmptyContent: many a provider sends an empty content with
// each part of a call, which holds no words back.
func TestWordsFlowBesideEmptyContent(t *testing.T) {
	part := "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n"
	w := exchange(gate(t, rules{}, &book{}, withRedaction("EMAIL")), chatRequest(prompt), stream(part+event(0, "content", "one. "), 1000, errCut))
	if got := said(t, w.Body.String()); got["0/content"] != "one. " {
		t.Errorf("said %q", got)
	}
}

// TestThePartsOfACallKeepTheirOrder: also where one of them says something.
func TestThePartsOfACallKeepTheirOrder(t *testing.T) {
	const body = `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\""}}]}}]}

data: {"choices":[{"index":0,"delta":{"content":"words","tool_calls":[{"index":0,"function":{"arguments":":1"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

`
	for _, specs := range [][]string{nil, {"EMAIL"}} {
		w := exchange(gate(t, rules{}, &book{}, withRedaction(specs...)), chatRequest(prompt), stream(body, 1000, nil))
		if w.Body.String() != body {
			t.Errorf("redaction %q:\n got %q\nwant %q", specs, w.Body, body)
		}
	}
}

func TestWhatIsHeldIsCapped(t *testing.T) {
	for name, tt := range map[string]struct {
		needs policy.Fields
		body  string
	}{
		"a held reply": {policy.FieldResponse, strings.Repeat(event(0, "content", "words and words"), 100)},
		"a held call":  {0, strings.Repeat("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"arguments\":\"xxxxxxxxxxxx\"}}]}}]}\n\n", 100)},
	} {
		g := gate(t, rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: tt.needs}}, &book{}, func(c *enforce.Config) { c.MaxBody = 2000 })
		w := exchange(g, chatRequest(prompt), stream(tt.body, 500, nil))
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "more of the reply would have to be held") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// FuzzStream: whatever is said, however it is cut into events and writes, and
// in however many channels, each channel reads like the redaction of the
// whole, and a policy that holds the reply changes nothing of that.
func FuzzStream(f *testing.F) {
	f.Add("mail alice@example.com and 4111 1111 1111 1111, bob@example.org", uint64(1))
	f.Add("IBAN DE89 3704 0044 0532 0130 00 é \u2028 \\ \" 10.0.0.1", uint64(2))
	f.Add("a@b.example", uint64(3))
	set, err := redact.Compile([]redact.Selector{{Spec: "*"}, {Spec: "lit:and"}}, redact.Options{})
	if err != nil {
		f.Fatal(err)
	}
	p := map[bool]rules{false: {}, true: {needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse}}}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 2000 {
			return
		}
		text = strings.ToValidUTF8(text, "\ufffd")
		rnd := rand.New(rand.NewPCG(seed, 7))
		want, _ := set.Redact([]byte(text))
		var body strings.Builder
		channels := []struct{ choice, at int }{{0, 0}, {1, 0}, {0, 0}}
		fields := []string{"content", "content", "reasoning_content"}
		runes := []rune(text)
		for open := len(channels); open > 0; {
			i := rnd.IntN(len(channels))
			ch := &channels[i]
			if ch.at >= len(runes) {
				if ch.at == len(runes) {
					ch.at++
					open--
				}
				continue
			}
			k := min(1+rnd.IntN(7), len(runes)-ch.at)
			body.WriteString(event(ch.choice, fields[i], string(runes[ch.at:ch.at+k])))
			ch.at += k
		}
		body.WriteString(finish(1) + finish(0) + done)
		hold := seed%2 == 0
		w := exchange(gate(t, p[hold], &book{}, withRedaction("*", "lit:and")), chatRequest(prompt), stream(body.String(), 1+rnd.IntN(300), nil))
		got := said(t, w.Body.String())
		for _, ch := range []string{"0/content", "1/content", "0/reasoning_content"} {
			if got[ch] != string(want) {
				t.Fatalf("hold %v, %s\n got %q\nwant %q\nof   %q", hold, ch, got[ch], want, text)
			}
		}
	})
}

// TestAnEventThatSaysNothingStaysBehindTheCall: some providers send an empty
// content with the usage after a call that only [DONE] ends.
func TestAnEventThatSaysNothingStaysBehindTheCall(t *testing.T) {
	body := `data: {"id":"x","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"0","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}` + "\n\n" +
		`data: {"id":"x","provider":"p","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":{"prompt_tokens":57}}` + "\n\n" +
		`data: {"id":"x","choices":[],"usage":{"prompt_tokens":57}}` + "\n\n" + done
	for _, set := range [][]redact.Selector{nil, {{Spec: "EMAIL"}}} {
		g := gate(t, rules{}, &book{}, func(c *enforce.Config) { c.Redact.Response = set })
		if w := exchange(g, chatRequest(prompt), stream(body, 11, nil)); w.Body.String() != body {
			t.Errorf("got\n%s\nwant\n%s", w.Body, body)
		}
	}
}
