package gemini

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/strictjson"
)

// realCodecs are the codecs of recorded protocols.
var realCodecs = map[string]wire.ChatCodec{
	"gemini": GenerateContent{}, "gemini-stream": StreamGenerateContent{}, "gemini-batchEmbedContents": BatchEmbedContents{},
}

// TestRealTraffic: what the API and its clients really send is understood, and
// rewriting nothing changes nothing.
func TestRealTraffic(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	requests, replies, streams := 0, 0, 0
	for _, r := range all {
		codec := realCodecs[r.Protocol]
		if codec == nil {
			continue
		}
		if r.Request != nil && r.Request.Encoding == "utf8" && r.Request.Body != "" {
			requests++
			realRequest(t, codec, &r)
		}
		if r.Response == nil || r.Response.Encoding != "utf8" || r.Response.Status != 200 {
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(r.Response.Body), "{") {
			streams++
			realStream(t, &r)
			continue
		}
		replies++
		realReply(t, codec, &r)
	}
	t.Logf("%d requests, %d replies, %d streams", requests, replies, streams)
}

// paths are the names under which the recorded bodies name their models.
var realModels = []string{"gemini-embedding-001", "gemini-embedding-2", "gemini-embedding-2-preview"}

func realRequest(t *testing.T, codec wire.ChatCodec, r *recordings.Recording) {
	params := wire.Params{"model": "m"}
	for _, m := range realModels {
		if strings.Contains(r.Request.Body, `"models/`+m+`"`) {
			params["model"] = m
		}
	}
	body := []byte(r.Request.Body)
	req, err := codec.Request(wire.Incoming{Params: params, Body: body})
	if err != nil {
		t.Errorf("%s: request: %v", r.ID, err)
		return
	}
	req.Messages()
	req.Results()
	// A secret that stands in the place of every text is gone again.
	const secret = "planted-secret"
	planted := replaceTexts(body, req.Texts(), secret)
	again, err := codec.Request(wire.Incoming{Params: params, Body: planted})
	if err != nil {
		t.Errorf("%s: with another text: %v", r.ID, err)
		return
	}
	if len(again.Texts()) != len(req.Texts()) {
		t.Errorf("%s: %d texts became %d", r.ID, len(req.Texts()), len(again.Texts()))
	}
	if left := replaceTexts(planted, again.Texts(), "X"); strings.Contains(string(left), secret) {
		t.Errorf("%s: a text is left", r.ID)
	}
	out, err := req.ForceModel(body, "other")
	if err != nil {
		t.Errorf("%s: %v", r.ID, err)
	}
	if _, err := codec.Request(wire.Incoming{Params: wire.Params{"model": "other"}, Body: out}); err != nil {
		t.Errorf("%s: with another model: %v", r.ID, err)
	}
}

// replaceTexts puts text in the place of each text of a body.
func replaceTexts(body []byte, texts []wire.Text, text string) []byte {
	var e editor
	for _, x := range texts {
		e.texts = append(e.texts, strictjson.Replacement{Start: x.Start, End: x.End, Text: strictjson.AppendQuoted(nil, text)})
	}
	return e.splice(body)
}

func realReply(t *testing.T, codec wire.ChatCodec, r *recordings.Recording) {
	reply, err := codec.Reply([]byte(r.Response.Body))
	if err != nil {
		t.Errorf("%s: reply: %v", r.ID, err)
		return
	}
	out, err := reply.Rewrite(nil, make([]wire.Verdict, len(reply.Calls())))
	if err != nil || string(out) != r.Response.Body {
		t.Errorf("%s: rewriting nothing changed the reply: %v", r.ID, err)
	}
	reply.Response().JSON()
	if _, ok := codec.(BatchEmbedContents); !ok && len(reply.Response().Choices) == 0 && !strings.Contains(r.Response.Body, "blockReason") {
		t.Errorf("%s: no choice", r.ID)
	}
}

func realStream(t *testing.T, r *recordings.Recording) {
	s := StreamGenerateContent{}.Stream(wire.StreamOptions{Assemble: true, Format: frame.SSE})
	for _, f := range framesOf(t, frame.SSE, r.Response.Body) {
		ev, err := s.Event(f.Name, f.Data)
		if err != nil {
			t.Errorf("%s: stream: %v in %.300q", r.ID, err, f.Data)
			return
		}
		out, err := s.Rewrite(ev, f.Data, nil, func(wire.CallKey) wire.Verdict { return wire.Verdict{} })
		if err != nil || len(out) != 1 || string(out[0].Data) != string(f.Data) {
			t.Errorf("%s: rewriting nothing changed the event: %v", r.ID, err)
		}
	}
	if !s.Done() || s.Failed() || s.Model() == "" || s.Usage() == nil {
		t.Errorf("%s: the stream has no end: %.300q", r.ID, r.Response.Body[max(0, len(r.Response.Body)-300):])
	}
	s.Response().JSON()
}

// framesOf cuts a stream into its frames with data.
func framesOf(t *testing.T, format frame.Format, body string) []frame.Frame {
	t.Helper()
	rd := format.NewReader()
	rd.Feed([]byte(body))
	var list []frame.Frame
	for _, next := range []func() (frame.Frame, bool, error){rd.Next, rd.Close} {
		for {
			f, ok, err := next()
			if err != nil {
				t.Fatalf("%.300q: %v", body, err)
			}
			if !ok {
				break
			}
			if f.HasData {
				list = append(list, f)
			}
		}
	}
	return list
}
