package enforce_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

const sound = "RIFF\x00\x00\x00\x00WAVEalice@example.com"

// mediaReply answers with a media type and a body, in two writes.
func mediaReply(media, body string, end error) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		w.Header().Set("Content-Type", media)
		w.WriteHeader(http.StatusOK)
		for _, part := range []string{body[:len(body)/2], body[len(body)/2:]} {
			if _, err := io.WriteString(w, part); err != nil {
				return err
			}
		}
		return end
	}
}

// mediaPrompts are the ways to say one text, to an image's or a sound's model.
var mediaPrompts = map[string]struct {
	request func(t testing.TB, text string) *http.Request
	reply   func(*enforce.Reply, *http.Request) error
	facts   string
}{
	"generations": {func(_ testing.TB, text string) *http.Request {
		return post("/images/generations", fmt.Sprintf(`{"model":"m","prompt":%q,"n":1}`, text))
	}, jsonReply(200, `{"created":1,"data":[{"url":"https://x.test/a.png"}]}`), ""},
	"edits": {func(t testing.TB, text string) *http.Request {
		return formRequest(t, "/images/edits", map[string]string{"model": "m", "prompt": text}, "image[]", "a.png", "\x89PNG\r\n\x1a\n")
	}, jsonReply(200, `{"created":1,"data":[]}`), "image"},
	"speech": {func(_ testing.TB, text string) *http.Request {
		return post("/audio/speech", fmt.Sprintf(`{"model":"m","input":%q,"voice":"alloy"}`, text))
	}, mediaReply("audio/wav", sound, nil), ""},
	"instructions": {func(_ testing.TB, text string) *http.Request {
		return post("/audio/speech", fmt.Sprintf(`{"model":"m","input":"hi","instructions":%q,"voice":"alloy"}`, text))
	}, mediaReply("audio/wav", sound, nil), ""},
	"transcriptions": {func(t testing.TB, text string) *http.Request {
		return formRequest(t, "/audio/transcriptions", map[string]string{"model": "m", "prompt": text}, "file", "a.wav", sound)
	}, jsonReply(200, `{"text":"hello"}`), "audio"},
	"translations": {func(t testing.TB, text string) *http.Request {
		return formRequest(t, "/audio/translations", map[string]string{"model": "m", "prompt": text}, "file", "a.wav", sound)
	}, jsonReply(200, `{"text":"hello"}`), "audio"},
}

// TestOnePromptWhateverTheMedium: a rule about the messages' text holds, the
// value is redacted, the model forced, and the sound that comes along told.
func TestOnePromptWhateverTheMedium(t *testing.T) {
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PreChat: policy.FieldMessages},
		decide: func(in *policy.Input) policy.Decision {
			switch {
			case in.Stage != policy.PreChat:
				return policy.Decision{}
			case strings.Contains(string(in.Messages), "launch"):
				return policy.Decision{Action: policy.Deny, Reason: "no launch codes"}
			}
			return policy.Decision{Action: policy.ForceModel, ForceModel: "safe"}
		},
	}
	for name, m := range mediaPrompts {
		t.Run(name, func(t *testing.T) {
			log := &book{}
			g := gate(t, p, log, func(c *enforce.Config) { c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}} })
			w := exchange(g, m.request(t, "the launch codes"), nil)
			if w.Code != 403 || !strings.Contains(w.Body.String(), "no launch codes") || log.story() != "pre_chat deny" {
				t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
			}
			w = exchange(g, m.request(t, "draw alice@example.com"), func(w *enforce.Reply, r *http.Request) error {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				got := string(b)
				if i := strings.Index(got, "draw [EMAIL]"); i < 0 || !strings.Contains(got, "safe") {
					t.Errorf("upstream got %q", got)
				}
				if m.facts == "audio" && !strings.Contains(got, sound) {
					t.Errorf("the sound was changed: %q", got)
				}
				return m.reply(w, r)
			})
			if w.Code != 200 || strings.Join(log.lines[1].Unscanned, ",") != m.facts || log.lines[1].Redactions["EMAIL"] != 1 {
				t.Errorf("%d %s, line %+v", w.Code, w.Body, log.lines[1])
			}
		})
	}
}

func TestAForcedModelIsPutIntoAFormThatNamesNone(t *testing.T) {
	p := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PreChat {
			return policy.Decision{Action: policy.ForceModel, ForceModel: "safe"}
		}
		return policy.Decision{}
	}}
	r := formRequest(t, "/images/variations", nil, "image", "a.png", "\x89PNG\r\n\x1a\n")
	w := exchange(gate(t, p, &book{}, nil), r, func(w *enforce.Reply, r *http.Request) error {
		if got := sent(t, r); got["model"] != "safe" || got["image"] != "\x89PNG\r\n\x1a\n" {
			t.Errorf("upstream got %q", got)
		}
		return jsonReply(200, `{"created":1,"data":[{"b64_json":"AAAA","revised_prompt":"a cat"}]}`)(w, r)
	})
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMediaRequestsThatAreRefused(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"no prompt":             post("/images/generations", `{"model":"m"}`),
		"an image in JSON":      post("/images/generations", `{"model":"m","prompt":"x","image":"data:image/png;base64,AAAA"}`),
		"two prompts":           post("/audio/speech", `{"model":"m","input":"x","text":"y"}`),
		"a prompt of tokens":    post("/audio/speech", `{"model":"m","input":[1,2]}`),
		"no model":              post("/audio/speech", `{"input":"x"}`),
		"JSON for a form":       post("/audio/transcriptions", `{"model":"m"}`),
		"no sound":              formRequest(t, "/audio/transcriptions", map[string]string{"model": "m"}, "", "", ""),
		"a model in two fields": formRequest(t, "/audio/transcriptions", map[string]string{"model": "m", "model[]": "n"}, "file", "a.wav", sound),
		"a model in its case":   formRequest(t, "/audio/transcriptions", map[string]string{"model": "m", "Model": "n"}, "file", "a.wav", sound),
		"another file":          formRequest(t, "/audio/transcriptions", map[string]string{"model": "m"}, "files", "a.wav", sound),
		"a stream that is none": formRequest(t, "/audio/transcriptions", map[string]string{"model": "m", "stream": "True"}, "file", "a.wav", sound),
		"two texts":             formRequest(t, "/audio/transcriptions", map[string]string{"model": "m", "input": "x"}, "file", "a.wav", sound),
		"no prompt for an edit": formRequest(t, "/images/edits", map[string]string{"model": "m"}, "image", "a.png", "x"),
	} {
		log := &book{}
		w := exchange(gate(t, rules{}, log, nil), r, nil)
		if w.Code != 400 && w.Code != 415 || log.story() != "request deny" {
			t.Errorf("%s: %d %s, audit %s", name, w.Code, w.Body, log.story())
		}
	}
}

func speech(extra string) *http.Request {
	return post("/audio/speech", `{"model":"m","input":"hi","voice":"alloy"`+extra+`}`)
}

func TestSoundPassesAsItComes(t *testing.T) {
	deny := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Stage == policy.PostChat && len(in.Unscanned) > 0 {
			return policy.Decision{Action: policy.Deny, Reason: "no sound"}
		}
		return policy.Decision{}
	}}
	log := &book{}
	w := exchange(gate(t, rules{}, log, withRedaction("EMAIL")), speech(""), mediaReply("audio/wav", sound, nil))
	if w.Code != 200 || w.Body.String() != sound || log.story() != "pre_chat allow, post_chat allow, outcome complete" {
		t.Errorf("%d %q, audit %s", w.Code, w.Body, log.story())
	}
	if l := log.lines[1]; l.Scanned != "partial" || strings.Join(l.Unscanned, ",") != "audio" {
		t.Errorf("line %+v", l)
	}
	w = exchange(gate(t, deny, &book{}, nil), speech(""), mediaReply("audio/wav", sound, nil))
	if w.Code != 403 || strings.Contains(w.Body.String(), "RIFF") {
		t.Errorf("denied: %d %q", w.Code, w.Body)
	}
	w = exchange(gate(t, rules{}, &book{}, func(c *enforce.Config) { c.AllowUnscanned = map[string]bool{"audio": false} }), speech(""), mediaReply("audio/wav", sound, nil))
	if w.Code != 403 || strings.Contains(w.Body.String(), "RIFF") || !strings.Contains(w.Body.String(), "unscanned allow audio") {
		t.Errorf("refused by fact: %d %q", w.Code, w.Body)
	}
	for _, media := range []string{"text/html", "application/json", "image/png"} {
		if w = exchange(gate(t, rules{}, &book{}, nil), speech(""), mediaReply(media, sound, nil)); w.Code != 502 || strings.Contains(w.Body.String(), "RIFF") {
			t.Errorf("%s: %d %q", media, w.Code, w.Body)
		}
	}
}

// TestSoundThatBreaksOffIsCut: there is no other way to say so.
func TestSoundThatBreaksOffIsCut(t *testing.T) {
	log := &book{}
	g := gate(t, rules{}, log, nil)
	var reply *enforce.Reply
	exchange(g, speech(""), func(w *enforce.Reply, r *http.Request) error {
		reply = w
		return mediaReply("audio/wav", sound, errCut)(w, r)
	})
	if !reply.Cut() || log.story() != "pre_chat allow, post_chat allow, outcome upstream_error" {
		t.Errorf("cut %v, audit %s", reply.Cut(), log.story())
	}
}

func TestEventsOfSoundAndImages(t *testing.T) {
	data := base64.StdEncoding.EncodeToString([]byte(sound))
	events := map[string]string{
		"speech": "data: {\"type\":\"speech.audio.delta\",\"audio\":\"" + data + "\"}\n\ndata: {\"type\":\"speech.audio.done\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}\n\n",
		"images": "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"" + data + "\",\"partial_image_index\":0}\n\n" +
			"event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"" + data + "\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}\n\n",
	}
	requests := map[string]func() *http.Request{
		"speech": func() *http.Request { return speech(`,"stream_format":"sse"`) },
		"images": func() *http.Request { return post("/images/generations", `{"model":"m","prompt":"x","stream":true}`) },
	}
	for name, body := range events {
		for _, needs := range []policy.Fields{0, policy.FieldResponse} {
			p := rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}
			log := &book{}
			w := exchange(gate(t, p, log, withRedaction("EMAIL")), requests[name](), stream(body, 7, nil))
			if w.Body.String() != body || log.story() != "pre_chat allow, post_chat allow, outcome complete" || len(log.lines[1].Unscanned) != 1 || log.lines[2].OutputTokens != 2 {
				t.Errorf("%s: %q, audit %s", name, w.Body, log.story())
			}
			w = exchange(gate(t, p, &book{}, nil), requests[name](), stream(strings.SplitAfter(body, "\n\n")[0], 7, nil))
			if w.Code == 200 && !strings.Contains(w.Body.String(), `"error"`) {
				t.Errorf("%s: a clean end of a stream that broke off: %q", name, w.Body)
			}
			w = exchange(gate(t, p, &book{}, nil), requests[name](), stream("data: {\"type\":\"words\",\"text\":\"x\"}\n\n", 7, nil))
			if w.Code != 502 {
				t.Errorf("%s: an unknown event: %d %q", name, w.Code, w.Body)
			}
		}
	}
}

func transcription(t testing.TB, fields ...string) *http.Request {
	t.Helper()
	m := map[string]string{"model": "m"}
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	return formRequest(t, "/audio/transcriptions", m, "file", "a.wav", sound)
}

func TestTranscriptsTellOneStory(t *testing.T) {
	for name, c := range map[string]struct{ media, body, want string }{
		"text": {"text/plain; charset=utf-8", "I am alice@example.com\n", "I am [EMAIL]\n"},
		"JSON": {
			"application/json", `{"text":"I am alice@example.com.","logprobs":[{"token":"alice"}],"usage":{"type":"tokens"}}`,
			`{"text":"I am [EMAIL].","logprobs":[],"usage":{"type":"tokens"}}`,
		},
		"verbose JSON": {
			"application/json",
			`{"task":"transcribe","text":"I am alice@example.com now","segments":[{"id":0,"text":"I am alice@exa","tokens":[1,2]},{"id":1,"text":"mple.com now","tokens":[3]}],"words":[{"word":"I"},{"word":"alice@example.com"}]}`,
			`{"task":"transcribe","text":"I am [EMAIL] now","segments":[{"id":0,"text":"I am [EMAIL]","tokens":[]},{"id":1,"text":" now","tokens":[]}],"words":[]}`,
		},
		"clean JSON": {
			"application/json", `{"text":"hello","words":[{"word":"hello"}],"logprobs":[{"token":"hello"}]}`,
			`{"text":"hello","words":[{"word":"hello"}],"logprobs":[{"token":"hello"}]}`,
		},
		"diarized": {
			"application/json", `{"text":"x","segments":[{"type":"transcript.text.segment","id":"s","speaker":"bob@example.com","text":"alice@example.com"}]}`,
			`{"text":"x","segments":[{"type":"transcript.text.segment","id":"s","speaker":"[EMAIL]","text":"[EMAIL]"}]}`,
		},
		"subtitles": {
			"text/plain", "1\r\n00:00:00,000 --> 00:00:02,000\r\nI am alice@exam\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nple.com\r\n",
			"1\r\n00:00:00,000 --> 00:00:02,000\r\nI am [EMAIL]\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\n\r\n",
		},
		"WebVTT": {"text/vtt", "WEBVTT\n\nNOTE bob@example.com\n\n00:00.000 --> 00:02.000\nalice@example.com\n", "WEBVTT\n\nNOTE [EMAIL]\n\n00:00.000 --> 00:02.000\n[EMAIL]\n"},
	} {
		log := &book{}
		w := exchange(gate(t, rules{}, log, withRedaction("EMAIL")), transcription(t), mediaReply(c.media, c.body, nil))
		if w.Code != 200 || w.Body.String() != c.want {
			t.Errorf("%s: %d\n got %q\nwant %q", name, w.Code, w.Body, c.want)
		}
	}
	for name, c := range map[string]struct{ media, body string }{
		"no text":        {"text/plain", "\xff\xfe\x00"},
		"HTML":           {"text/html", "<p>"},
		"another reply":  {"application/json", `{"choices":[]}`},
		"case of a key":  {"application/json", `{"text":"a","Text":"b"}`},
		"words as text":  {"application/json", `{"text":"a","words":"b"}`},
		"words in words": {"application/json", `{"text":"a","words":["b"]}`},
	} {
		if w := exchange(gate(t, rules{}, &book{}, nil), transcription(t), mediaReply(c.media, c.body, nil)); w.Code != 502 {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}
}

func TestATranscriptIsDecidedByPostChat(t *testing.T) {
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
		decide: func(in *policy.Input) policy.Decision {
			if in.Stage == policy.PostChat && strings.Contains(string(in.Response), `"text":"the launch codes"`) {
				return policy.Decision{Action: policy.Deny, Reason: "no launch codes"}
			}
			return policy.Decision{}
		},
	}
	for name, upstream := range map[string]func(*enforce.Reply, *http.Request) error{
		"JSON":      jsonReply(200, `{"text":"the launch codes"}`),
		"text":      mediaReply("text/plain", "the launch codes", nil),
		"subtitles": mediaReply("text/vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\nthe launch codes\n", nil),
		"stream":    stream(transcriptEvents("the laun", "ch codes"), 9, nil),
	} {
		w := exchange(gate(t, p, &book{}, nil), transcription(t, "stream", "true"), upstream)
		if w.Code != 403 || !strings.Contains(w.Body.String(), "no launch codes") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// transcriptEvents is a transcript that comes in pieces.
func transcriptEvents(pieces ...string) string {
	var b strings.Builder
	for _, p := range pieces {
		fmt.Fprintf(&b, "data: {\"type\":\"transcript.text.delta\",\"delta\":%q,\"logprobs\":[{\"token\":%q}]}\n\n", p, p)
	}
	all := strings.Join(pieces, "")
	fmt.Fprintf(&b, "data: {\"type\":\"transcript.text.done\",\"text\":%q,\"logprobs\":[{\"token\":%q}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}\n\n", all, all)
	return b.String()
}

// TestNoByteOfASecretInATranscriptAtAnyCut: split at every offset over events,
// while the connection breaks off after every event.
func TestNoByteOfASecretInATranscriptAtAnyCut(t *testing.T) {
	const text = "write to alice.smith@example.com or not"
	for _, needs := range []policy.Fields{0, policy.FieldResponse} {
		g := gate(t, rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}, &book{}, withRedaction("EMAIL"))
		for cut := range len(text) {
			events := strings.SplitAfter(transcriptEvents(text[:cut], text[cut:]), "\n\n")
			for last := range events {
				end := errCut
				if last == len(events)-1 {
					end = nil
				}
				w := exchange(g, transcription(t, "stream", "true"), stream(strings.Join(events[:last], ""), 1000, end))
				body := w.Body.String()
				if strings.Contains(body, "smith") || strings.Contains(body, "example") {
					t.Fatalf("cut at %d, %d events: %q", cut, last, body)
				}
				if end == nil && !strings.Contains(body, `"text":"write to [EMAIL] or not","logprobs":[]`) {
					t.Fatalf("cut at %d: %q", cut, body)
				}
				if end != nil && w.Code == 200 && !strings.Contains(body, `"error"`) {
					t.Fatalf("cut at %d, %d events: a clean end: %q", cut, last, body)
				}
			}
		}
	}
	body := transcriptEvents("Hello, ", "w\u00f6rld.")
	for n := 1; n < len(body); n += 1 + n/4 {
		w := exchange(gate(t, rules{}, &book{}, withRedaction("*")), transcription(t, "stream", "true"), stream(body, n, nil))
		if w.Body.String() != body {
			t.Fatalf("writes of %d bytes: %q", n, w.Body)
		}
	}
}

func TestImagesInAReply(t *testing.T) {
	const reply = `{"created":1,"data":[{"b64_json":"AAAA","revised_prompt":"a photo of alice@example.com"},{"url":"https://x.test/1"}],"usage":{"input_tokens":3,"output_tokens":4}}`
	log := &book{}
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
		decide: func(in *policy.Input) policy.Decision {
			if in.Stage == policy.PostChat && !strings.Contains(string(in.Response), "a photo of alice") {
				t.Errorf("the policy saw %s", in.Response)
			}
			return policy.Decision{}
		},
	}
	w := exchange(gate(t, p, log, withRedaction("EMAIL")), post("/images/generations", `{"prompt":"x"}`), jsonReply(200, reply))
	if w.Body.String() != strings.Replace(reply, "alice@example.com", "[EMAIL]", 1) || log.lines[2].OutputTokens != 4 || strings.Join(log.lines[1].Unscanned, ",") != "image" {
		t.Errorf("%d %s, lines %+v", w.Code, w.Body, log.lines)
	}
}
