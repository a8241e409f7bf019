package openai

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
	"github.com/headgate/headgate/wire/strictjson"
)

// form is a form as it is sent: names and contents in turn; a name with a
// colon is that of a file.
func formOf(parts ...string) wire.Incoming {
	var b strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		name, file, isFile := strings.Cut(parts[i], ":")
		b.WriteString("--b0\r\nContent-Disposition: form-data; name=\"" + name + "\"")
		if isFile {
			b.WriteString("; filename=\"" + file + "\"\r\nContent-Type: application/octet-stream")
		}
		b.WriteString("\r\n\r\n" + parts[i+1] + "\r\n")
	}
	return wire.Incoming{
		Header: http.Header{"Content-Type": {"multipart/form-data; boundary=b0"}},
		Body:   []byte(b.String() + "--b0--\r\n"),
	}
}

const line = `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}`

func TestUpload(t *testing.T) {
	b, err := FileUpload{}.Batch(formOf("purpose", "batch", "file:in.jsonl", line+"\n"+line+"\n", "expires_after[seconds]", "60"))
	if err != nil || b.Prompt || len(b.Items) != 2 || b.Items[1].Name != "line 2" || b.Items[1].Codec != (Chat{}) {
		t.Fatalf("%+v, %v", b, err)
	}
	if n := len(b.Rest.Texts()); n != 4 { // the file's name, the seconds, two ids
		t.Errorf("%d texts", n)
	}
	in := formOf("purpose", "user_data", "file:a.txt", "hello")
	b, err = FileUpload{}.Batch(in)
	if err != nil || !b.Prompt {
		t.Fatalf("%+v, %v", b, err)
	}
	chat, err := Chat{}.Request(wire.Incoming{Body: []byte(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b.Rest.Messages()), string(chat.Messages()); got != want {
		t.Errorf("a text is another conversation than a chat's:\n got %s\nwant %s", got, want)
	}
}

// TestRequestsAndRepliesAreFoundOnAnyLine: nobody hides a batch behind a line
// that is none.
func TestRequestsAndRepliesAreFoundOnAnyLine(t *testing.T) {
	const reply = `{"custom_id":"1","response":{"status_code":200,"body":{"object":"chat.completion","choices":[]}}}`
	for _, before := range []string{"\n", "\ufeff", "x\n", "{}\n", "\r", " \t"} {
		if b, err := (FileUpload{}).Batch(formOf("purpose", "user_data", "file:a", before+line)); err == nil {
			t.Errorf("requests behind %q are a prompt: %+v", before, b)
		}
		if res, err := (FileContent{}).Results([]byte(before + reply)); err == nil && res.Whole != nil {
			t.Errorf("replies behind %q are one text", before)
		}
	}
}

// TestRepliesOfTwoKinds: what could be read as a reply of another kind than the
// one it is decided as is no reply.
func TestRepliesOfTwoKinds(t *testing.T) {
	const choices, output = `"choices":[{"index":0,"message":{"role":"assistant","content":"x"}}]`, `"output":[{"type":"message"}]`
	for _, body := range []string{
		`{"results":[],` + choices + `}`, `{"object":"list","data":[],` + choices + `}`, `{"object":"response",` + output + `,` + choices + `}`,
		`{"object":"list","data":[],` + output + `}`, `{"object":"chat.completion",` + choices + `,` + output + `}`, `{"results":[],` + output + `}`,
		`{"object":"chat.completion","choices":[{"index":0,"text":"x","message":{"role":"assistant","content":""}}]}`, `{` + choices + `}`, `{` + output + `}`,
	} {
		for _, status := range []string{"200", "400"} {
			res, err := FileContent{}.Results([]byte(`{"custom_id":"1","response":{"status_code":` + status + `,"body":` + body + `}}`))
			if err == nil {
				t.Errorf("%s %s: %+v", status, body, res)
			}
		}
	}
}

// TestANewBatchHoldsNoRequests: those that stand beside the file are not known.
func TestANewBatchHoldsNoRequests(t *testing.T) {
	_, err := newBatch.Ask(wire.Incoming{Body: []byte(`{"input_file_id":"file-1","endpoint":"/v1/chat/completions","requests":[` + line + `]}`)})
	if err == nil {
		t.Error("requests in a new batch were accepted")
	}
}

// TestManyLines: a file of many lines is read once.
func TestManyLines(t *testing.T) {
	body := []byte(`"\\"` + "\n" + strings.Repeat("1\n", 1<<18))
	if n := len(contentTexts(body, 0, len(body))); n != 1<<18+1 {
		t.Errorf("%d texts", n)
	}
}

// TestCuesOfAllLineEnds: what is spoken is the same whatever ends its lines.
func TestCuesOfAllLineEnds(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		body := strings.ReplaceAll("WEBVTT\n\n00:00.000 --> 00:02.000\nhello\nworld\n\nNOTE no\n", "\n", end)
		r, ok, err := Transcriptions{}.Text("text/vtt", []byte(body))
		if err != nil || !ok || r.Response().Choices[0].Content != "hello\nworld" {
			t.Errorf("%q: %v %+v", end, err, r.Response())
		}
	}
}

// TestPiecesThatSaySomethingElse: policies see what a transcript's copies say,
// where that is not what the transcript says.
func TestPiecesThatSaySomethingElse(t *testing.T) {
	for body, want := range map[string]string{
		`{"text":"So, a.","segments":[{"text":"So,"},{"text":" a."}],"words":[{"word":"So"},{"word":"a"}]}`: "So, a.",
		`{"text":"fine","segments":[{"text":"evil"}]}`:                                                      "fine\nevil",
		`{"text":"fine","words":[{"word":"evil"},{"word":"too"}]}`:                                          "fine\nevil too",
	} {
		r, err := Transcriptions{}.Reply([]byte(body))
		if err != nil || r.Response().Choices[0].Content != want {
			t.Errorf("%s: %v %+v", body, err, r.Response())
		}
	}
	for _, tt := range []struct {
		events []string
		want   string
	}{
		{[]string{`{"type":"transcript.text.delta","delta":"a b"}`, `{"type":"transcript.text.segment","text":"a"}`, `{"type":"transcript.text.segment","text":"b"}`, `{"type":"transcript.text.done","text":"a b"}`}, "a b"},
		{[]string{`{"type":"transcript.text.delta","delta":"fine"}`, `{"type":"transcript.text.done","text":"evil"}`}, "fine\nevil"},
		{[]string{`{"type":"transcript.text.segment","text":"evil"}`, `{"type":"transcript.text.done","text":"fine"}`}, "fine\nevil"},
	} {
		s := Transcriptions{}.Stream(wire.StreamOptions{Assemble: true})
		for _, ev := range tt.events {
			if _, err := s.Event("", []byte(ev)); err != nil {
				t.Fatal(err)
			}
		}
		if r := s.Response(); len(r.Choices) != 1 || r.Choices[0].Content != tt.want {
			t.Errorf("%v: %+v, want %q", tt.events, r, tt.want)
		}
	}
}

// TestEmptiedPiecesDoNotOverlap: words go as a whole, whatever they hold.
func TestEmptiedPiecesDoNotOverlap(t *testing.T) {
	body := []byte(`{"text":"abc","words":[{"word":"abc","tokens":[1,2]}]}`)
	r, err := Transcriptions{}.Reply(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Rewrite([]strictjson.Replacement{{Start: 8, End: 13, Text: []byte(`"x"`)}}, nil)
	if want := `{"text":"x","words":[]}`; err != nil || string(out) != want {
		t.Errorf("%s, %v, want %s", out, err, want)
	}
}

func TestIDs(t *testing.T) {
	req, err := newBatch.Ask(wire.Incoming{Body: []byte(`{"input_file_id":"file-1","endpoint":"/v1/embeddings","metadata":{"a":"b"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := req.(wire.Referrer).References(); !slices.Equal(got, []string{"file-1"}) || len(req.Texts()) != 1 {
		t.Errorf("a new batch refers to %q", got)
	}
	req, err = FileContent{}.Ask(wire.Incoming{Params: wire.Params{"file": "file-2"}})
	if err != nil || !slices.Equal(req.(wire.Referrer).References(), []string{"file-2"}) {
		t.Errorf("a content refers to %q, %v", req.(wire.Referrer).References(), err)
	}
	for _, c := range []struct {
		codec interface {
			Record([]byte) (wire.Reply, error)
		}
		reply string
		want  []string
	}{
		{FileUpload{}, `{"id":"file-1","filename":"x"}`, []string{"file-1"}},
		{batches, `{"id":"batch_1","output_file_id":"file-2","error_file_id":"file-3","input_file_id":"file-1"}`, []string{"batch_1", "file-2", "file-3"}},
		{batches, `{"id":"batch_1","output_file_id":null}`, []string{"batch_1"}},
		{wire.Records{API: "openai.files"}, `{"object":"list","data":[{"id":"file-1"}],"first_id":"file-1"}`, nil},
	} {
		reply, err := c.codec.Record([]byte(c.reply))
		if err != nil {
			t.Fatal(err)
		}
		if got := reply.(wire.Creator).Created(); !slices.Equal(got, c.want) {
			t.Errorf("%s creates %q", c.reply, got)
		}
	}
}

// TestRealBatches: what providers really answer is understood.
func TestRealBatches(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Protocol != "openai-batches" || r.Response == nil {
			continue
		}
		reply, err := batches.Record([]byte(r.Response.Body))
		if err != nil || len(reply.(wire.Creator).Created()) == 0 {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
}

func FuzzBatchLines(f *testing.F) {
	f.Add([]byte(line + "\n" + line))
	f.Add([]byte(`{"custom_id":"b","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":["x"]}}` + "\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		items, words, err := batchLines(body, 0, len(body))
		if err != nil {
			return
		}
		for _, it := range items {
			if b := body[it.Start:it.End]; b[0] != '{' || b[len(b)-1] != '}' || !passesGate(b) {
				t.Fatalf("%s is %q", it.Name, b)
			}
		}
		for _, w := range words {
			if body[w.Start] != '"' || body[w.End-1] != '"' {
				t.Fatalf("a text is %q", body[w.Start:w.End])
			}
		}
	})
}

func FuzzResultLines(f *testing.F) {
	f.Add([]byte(`{"id":"r","custom_id":"1","response":{"status_code":200,"request_id":"q","body":{"object":"chat.completion","choices":[]}},"error":null}`))
	f.Add([]byte(`{"custom_id":"1","response":{"status_code":500,"body":{"error":{"message":"x"}}}}` + "\n"))
	f.Add([]byte("hello\nworld"))
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := FileContent{}.Results(body)
		if err != nil {
			return
		}
		if (res.Whole == nil) == (res.Items == nil && res.Words == nil) {
			t.Fatalf("%+v", res)
		}
		for _, it := range res.Items {
			if it.From > it.Start || it.To < it.End || !passesGate(body[it.From:it.To]) {
				t.Fatalf("%+v", it)
			}
		}
	})
}

func FuzzTranscript(f *testing.F) {
	f.Add("text/vtt", []byte("WEBVTT\n\n00:00.000 --> 00:02.000\nhello\n"))
	f.Add("text/plain", []byte("1\r\n00:00:00,000 --> 00:00:02,000\r\nhello\r\n\r\n"))
	f.Fuzz(func(t *testing.T, media string, body []byte) {
		r, ok, err := Transcriptions{}.Text(media, body)
		if !ok || err != nil {
			return
		}
		seen := make([]bool, len(body))
		for _, text := range r.Texts() {
			for i := text.Start; i < text.End; i++ {
				if seen[i] {
					t.Fatal("a byte is in two texts")
				}
				seen[i] = true
			}
		}
		for i, c := range body {
			if !seen[i] && !strings.ContainsRune("\r\n\t \f", rune(c)) && c < 0x80 {
				t.Fatalf("byte %d, %q, is in no text", i, c)
			}
		}
		if out, err := r.Rewrite(nil, nil); err != nil || !bytes.Equal(out, body) {
			t.Fatalf("rewriting nothing gives %q", out)
		}
	})
}
