// Package traffic has exchanges to replay: those that were recorded with real
// providers, where they are at hand, and a small set of the project's own.
//
// The recordings are no part of the project: they are looked for in the folder
// that HEADGATE_SHARED names, or in ../shared beside the repository.
package traffic

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Exchange is one recorded exchange.
type Exchange struct {
	ID, Protocol string
	Method, Path string
	RequestMedia string
	Request      []byte
	Status       int
	Media        string
	Reply        []byte
}

// Refused tells whether the API is one that the gate does not govern.
func (e *Exchange) Refused() bool { return e.Protocol == "openai-assistants" }

// Broken tells whether the reply is none of the API: a server that echoes, say.
func (e *Exchange) Broken() bool {
	return strings.HasPrefix(e.Path, "/bin/content-type/")
}

// Name is short enough for a test's name.
func (e *Exchange) Name() string {
	parts := strings.Split(e.ID, "/")
	return e.Protocol + "/" + parts[len(parts)-1]
}

type message struct {
	Method, Path string
	Status       int
	Headers      map[string]any
	Body         string
	Encoding     string `json:"body_encoding"`
}

type record struct {
	ID                string
	Protocol          string
	Stream            bool
	Request, Response *message
}

// Load reads all exchanges at hand.
func Load() ([]Exchange, error) {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "../../..")
	own, err := filepath.Glob(filepath.Join(root, "integration/testdata/traffic/*.jsonl"))
	if err != nil || len(own) == 0 {
		return nil, fmt.Errorf("the project's own exchanges are missing: %w", err)
	}
	shared := os.Getenv("HEADGATE_SHARED")
	if shared == "" {
		shared = filepath.Join(root, "../shared")
	}
	others, err := filepath.Glob(filepath.Join(shared, "data/traffic/recordings.jsonl.gz"))
	if err != nil {
		return nil, err
	}
	var all []Exchange
	for _, name := range append(own, others...) {
		list, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func readFile(name string) ([]Exchange, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		r = z
	}
	var list []Exchange
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var rec record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, err
		}
		if rec.Response == nil {
			continue
		}
		if strings.Contains(rec.ID, "transcription") {
			rec.Protocol = "openai-transcription" // it is filed as a chat
		}
		list = append(list, rec.exchange())
	}
	return list, lines.Err()
}

func (r *record) exchange() Exchange {
	e := Exchange{ID: r.ID, Protocol: r.Protocol, Status: r.Response.Status, Reply: []byte(r.Response.Body)}
	if e.Status == 0 {
		e.Status = 200
	}
	for name, v := range r.Response.Headers {
		if s, ok := v.(string); ok && strings.EqualFold(name, "content-type") {
			e.Media = s
		}
	}
	if e.Media == "" {
		e.Media = "application/json"
		if r.Stream {
			e.Media = "text/event-stream"
		}
	}
	e.RequestMedia = "application/json"
	if r.Request == nil {
		e.Method, e.Path, e.Request = "POST", defaultPath[r.Protocol], []byte(defaultRequest(r.Protocol, r.Stream))
		if r.Protocol == "openai-transcription" {
			e.RequestMedia = "multipart/form-data; boundary=boundary"
		}
		return e
	}
	e.Method, e.Path, e.Request = r.Request.Method, pathOf(r.Request.Path), []byte(r.Request.Body)
	return e
}

// defaultPath is where an API is asked of which only the reply was recorded.
var defaultPath = map[string]string{
	"openai-chat":        "/v1/chat/completions",
	"openai-responses":   "/v1/responses",
	"anthropic-messages": "/v1/messages",
	"gemini":             "/v1beta/models/m:generateContent",

	"openai-transcription": "/v1/audio/transcriptions",
}

func defaultRequest(protocol string, stream bool) string {
	var body string
	switch protocol {
	case "openai-responses":
		body = `{"model":"m","input":"hello"`
	case "openai-transcription":
		return strings.ReplaceAll(transcription, "\n", "\r\n")
	case "gemini":
		return `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`
	case "anthropic-messages":
		body = `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"hello"}]`
	default:
		body = `{"model":"m","messages":[{"role":"user","content":"hello"}]`
	}
	if stream {
		body += `,"stream":true`
	}
	return body + "}"
}

// transcription is a form with a sound, with line ends as a text file has them.
const transcription = `--boundary
Content-Disposition: form-data; name="model"

m
--boundary
Content-Disposition: form-data; name="file"; filename="a.mp3"
Content-Type: audio/mpeg

ID3
--boundary--
`

// pathOf fills what the recordings' makers took out of a path, and puts the one
// Ollama path that is recorded as OpenAI's where it belongs.
func pathOf(path string) string {
	for _, name := range []string{"<GPUSTACK_API_BASE>", "<OLLAMA_API_BASE>"} {
		path = strings.ReplaceAll(path, name, "/v1")
	}
	return strings.NewReplacer("<", "", ">", "").Replace(path)
}
