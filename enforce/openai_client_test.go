package enforce_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// upstreamOf plays OpenAI's API, as far as its client for Go needs it.
func upstreamOf(t *testing.T) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(pattern, media, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			_, _ = io.WriteString(w, body)
		})
	}
	const js = "application/json"
	answer("GET /v1/models", js, `{"object":"list","data":[{"id":"good","object":"model","created":1,"owned_by":"o"},{"id":"bad","object":"model","created":1,"owned_by":"o"}]}`)
	answer("GET /v1/models/good", js, `{"id":"good","object":"model","created":1,"owned_by":"o"}`)
	mux.HandleFunc("POST /v1/files", func(w http.ResponseWriter, r *http.Request) {
		file, head, err := r.FormFile("file")
		if err != nil {
			t.Errorf("the upload cannot be read: %v", err)
			return
		}
		content, _ := io.ReadAll(file)
		if strings.Contains(string(content), "alice@example.com") || head.Filename != "in.jsonl" || r.FormValue("purpose") != "batch" {
			t.Errorf("upload %q of %q: %s", head.Filename, r.FormValue("purpose"), content)
		}
		w.Header().Set("Content-Type", js)
		_, _ = io.WriteString(w, `{"id":"file-1","object":"file","bytes":1,"created_at":1,"filename":"in.jsonl","purpose":"batch","status":"processed"}`)
	})
	answer("GET /v1/files/file-1", js, `{"id":"file-1","object":"file","filename":"in.jsonl","purpose":"batch"}`)
	answer("GET /v1/files", js, `{"object":"list","data":[{"id":"file-1","object":"file","filename":"in.jsonl"}],"has_more":false}`)
	answer("DELETE /v1/files/file-1", js, `{"id":"file-1","object":"file","deleted":true}`)
	answer("GET /v1/files/file-2/content", "application/octet-stream", resultA+"\n")
	answer("POST /v1/batches", js, `{"id":"batch_1","object":"batch","endpoint":"/v1/chat/completions","status":"validating"}`)
	answer("GET /v1/batches/batch_1", js, `{"id":"batch_1","object":"batch","status":"completed","output_file_id":"file-2"}`)
	answer("POST /v1/batches/batch_1/cancel", js, `{"id":"batch_1","object":"batch","status":"cancelling"}`)
	answer("POST /v1/images/generations", js, `{"created":1,"data":[{"b64_json":"AAAA","revised_prompt":"for alice@example.com"}]}`)
	answer("POST /v1/images/edits", js, `{"created":1,"data":[{"b64_json":"AAAA"}]}`)
	answer("POST /v1/audio/speech", "audio/mpeg", sound)
	answer("POST /v1/audio/transcriptions", js, `{"text":"I am alice@example.com"}`)
	return mux
}

// clientOf is OpenAI's client for Go behind a gate.
func clientOf(t *testing.T, g *enforce.Gate) openai.Client {
	t.Helper()
	upstream := upstreamOf(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := g.Begin(w, r, "192.0.2.1")
		if reply, ok := x.Admit(); ok && reply != nil {
			upstream.ServeHTTP(reply, r)
			reply.Close(nil)
		}
	}))
	t.Cleanup(srv.Close)
	return openai.NewClient(option.WithBaseURL(srv.URL+"/v1"), option.WithAPIKey("k"), option.WithMaxRetries(0))
}

type namedReader struct {
	io.Reader
	name string
}

func (n namedReader) Filename() string    { return n.name }
func (n namedReader) ContentType() string { return "application/jsonl" }

func TestOpenAIsClient(t *testing.T) {
	p := probed{models: []string{"bad"}, rules: rules{decide: func(in *policy.Input) policy.Decision {
		if in.Model == "bad" || in.Stage == policy.PreTool {
			return policy.Decision{Action: policy.Deny, Reason: "not that"}
		}
		return policy.Decision{}
	}}}
	g := gate(t, rules{}, &book{}, func(c *enforce.Config) {
		c.Policy = p
		c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}}
		c.Redact.Response = c.Redact.Request
	})
	c := clientOf(t, g)
	ctx := context.Background()

	models, err := c.Models.List(ctx)
	if err != nil || len(models.Data) != 1 || models.Data[0].ID != "good" {
		t.Errorf("models: %v, %v", models, err)
	}
	var apiErr *openai.Error
	if _, err := c.Models.Get(ctx, "bad"); !errors.As(err, &apiErr) || apiErr.StatusCode != 404 {
		t.Errorf("a hidden model: %v", err)
	}
	if m, err := c.Models.Get(ctx, "good"); err != nil || m.ID != "good" {
		t.Errorf("a model: %v", err)
	}

	upload := func(lines string) (*openai.FileObject, error) {
		return c.Files.New(ctx, openai.FileNewParams{File: namedReader{strings.NewReader(lines), "in.jsonl"}, Purpose: openai.FilePurposeBatch})
	}
	if f, err := upload(lineA + "\n" + lineB + "\n"); err != nil || f.ID != "file-1" {
		t.Errorf("upload: %v", err)
	}
	if _, err := upload(lineA + "\n" + strings.Replace(lineB, `"n"`, `"bad"`, 1)); !errors.As(err, &apiErr) || apiErr.Message != "line 2: not that" {
		t.Errorf("a denied upload: %v", err)
	}
	if _, err := c.Files.Get(ctx, "file-1"); err != nil {
		t.Errorf("file: %v", err)
	}
	if page, err := c.Files.List(ctx, openai.FileListParams{}); err != nil || len(page.Data) != 1 {
		t.Errorf("files: %v", err)
	}
	if d, err := c.Files.Delete(ctx, "file-1"); err != nil || !d.Deleted {
		t.Errorf("delete: %v", err)
	}
	if resp, err := c.Files.Content(ctx, "file-2"); err != nil {
		t.Errorf("content: %v", err)
	} else {
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if s := string(b); !strings.Contains(s, `I am [EMAIL]\ntool `+"`rm`"+`: not that`) {
			t.Errorf("content: %s", s)
		}
	}
	if b, err := c.Batches.New(ctx, openai.BatchNewParams{InputFileID: "file-1", Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: openai.BatchNewParamsCompletionWindow24h}); err != nil || b.ID != "batch_1" {
		t.Errorf("batch: %v", err)
	}
	if b, err := c.Batches.Get(ctx, "batch_1"); err != nil || b.OutputFileID != "file-2" {
		t.Errorf("batch: %v", err)
	}
	if _, err := c.Batches.Cancel(ctx, "batch_1"); err != nil {
		t.Errorf("cancel: %v", err)
	}

	img, err := c.Images.Generate(ctx, openai.ImageGenerateParams{Prompt: "draw alice@example.com", Model: "gpt-image-1"})
	if err != nil || img.Data[0].RevisedPrompt != "for [EMAIL]" {
		t.Errorf("image: %v, %v", img, err)
	}
	if _, err := c.Images.Edit(ctx, openai.ImageEditParams{Prompt: "a hat", Image: openai.ImageEditParamsImageUnion{OfFile: namedReader{strings.NewReader("\x89PNG\r\n\x1a\n"), "a.png"}}}); err != nil {
		t.Errorf("edit: %v", err)
	}
	if resp, err := c.Audio.Speech.New(ctx, openai.AudioSpeechNewParams{Input: "hi", Model: "tts-1", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")}}); err != nil {
		t.Errorf("speech: %v", err)
	} else {
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if string(b) != sound {
			t.Errorf("speech: %q", b)
		}
	}
	tr, err := c.Audio.Transcriptions.New(ctx, openai.AudioTranscriptionNewParams{File: namedReader{strings.NewReader(sound), "a.wav"}, Model: "whisper-1"})
	if err != nil || tr.Text != "I am [EMAIL]" {
		t.Errorf("transcript: %v, %v", tr, err)
	}
}
