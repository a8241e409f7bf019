package enforce_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/headgate/policy"
)

// spoken is a chunk with a part of a transcript, of sound, or both.
func spoken(transcript, data string) string {
	audio := map[string]string{}
	if transcript != "" {
		audio["transcript"] = transcript
	}
	if data != "" {
		audio["data"] = data
	}
	b, _ := json.Marshal(audio)
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"audio\":%s},\"finish_reason\":null}]}\n\n", b)
}

// heard collects the transcript and the sound that a client gets.
func heard(t *testing.T, body string) (transcript, sound string) {
	t.Helper()
	for _, ev := range strings.Split(body, "\n\n") {
		data, ok := strings.CutPrefix(ev, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk struct {
			Choices []struct {
				Delta struct {
					Audio struct{ Transcript, Data string }
				}
			}
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		for _, c := range chunk.Choices {
			transcript += c.Delta.Audio.Transcript
			sound += c.Delta.Audio.Data
		}
	}
	return transcript, sound
}

const spokenEnd = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n" + done

// TestSoundGoesWithItsTranscript: cut at every offset, no sound follows a
// value that was taken out, and none comes before its text is resolved.
func TestSoundGoesWithItsTranscript(t *testing.T) {
	const text, want = "I am alice.smith@example.com, hi", "I am [EMAIL], hi"
	for _, needs := range []policy.Fields{0, policy.FieldResponse} {
		g := gate(t, rules{needs: map[policy.Stage]policy.Fields{policy.PostChat: needs}}, &book{}, withRedaction("EMAIL"))
		for cut := 1; cut < len(text); cut++ {
			body := spoken("", "S0") + spoken(text[:cut], "S1") + spoken("", "S2") + spoken(text[cut:], "S3") + spoken("", "S4") + spokenEnd
			said, sound := heard(t, exchange(g, chatRequest(prompt), stream(body, 1000, nil)).Body.String())
			wantSound := "S0"
			if cut <= len("I am ") {
				wantSound = "S0S1S2"
			}
			if said != want || sound != wantSound {
				t.Fatalf("cut at %d: %q with the sound %q, want %q", cut, said, sound, wantSound)
			}
		}
	}
	clean := spoken("", "S0") + spoken("Hello, ", "S1") + spoken("w\u00f6rld", "") + spoken("", "S2") + spokenEnd
	for n := 1; n < len(clean); n += 1 + n/4 {
		if w := exchange(gate(t, rules{}, &book{}, withRedaction("*")), chatRequest(prompt), stream(clean, n, nil)); w.Body.String() != clean {
			t.Fatalf("writes of %d bytes: %q", n, w.Body)
		}
	}
}

func TestSoundOfAWholeReply(t *testing.T) {
	const reply = `{"choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"a","data":"AAAA","transcript":%q,"expires_at":1}},"logprobs":{"content":[{"token":"x"}]},"finish_reason":"stop"}]}`
	for text, want := range map[string]string{
		"I am alice@example.com": `{"choices":[{"index":0,"message":{"role":"assistant","content":null,"audio":{"id":"a","data":"","transcript":"I am [EMAIL]","expires_at":1}},"logprobs":null,"finish_reason":"stop"}]}`,
		"I am nobody":            fmt.Sprintf(reply, "I am nobody"),
	} {
		w := exchange(gate(t, rules{}, &book{}, withRedaction("EMAIL")), chatRequest(prompt), jsonReply(200, fmt.Sprintf(reply, text)))
		if w.Body.String() != want {
			t.Errorf("%q:\n got %s\nwant %s", text, w.Body, want)
		}
	}
}

// TestATranscriptIsAReply: post_chat sees it, whole or in events.
func TestATranscriptIsAReply(t *testing.T) {
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
		decide: func(in *policy.Input) policy.Decision {
			if strings.Contains(string(in.Response), `"text":"launch"`) {
				return policy.Decision{Action: policy.Deny, Reason: "no"}
			}
			return policy.Decision{}
		},
	}
	for name, upstream := range map[string]string{
		"stream": spoken("lau", "S1") + spoken("nch", "S2") + spokenEnd,
		"whole":  `{"choices":[{"index":0,"message":{"content":null,"audio":{"data":"AA","transcript":"launch"}},"finish_reason":"stop"}]}`,
	} {
		answer := stream(upstream, 100, nil)
		if name == "whole" {
			answer = jsonReply(200, upstream)
		}
		if w := exchange(gate(t, p, &book{}, nil), chatRequest(prompt), answer); w.Code != 403 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
