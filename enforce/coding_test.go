package enforce_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
)

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// An encoded prompt is decided as what it says, and goes on decoded.
func TestAnEncodedPromptIsDecoded(t *testing.T) {
	const text = `{"model":"m","messages":[{"role":"user","content":"mail a@example.com"}]}`
	for name, c := range map[string]struct {
		encoding, body string
		status         int
		says           string // the answer, or what went upstream
	}{
		"gzip":               {"gzip", zipped(t, text), 200, strings.Replace(text, "a@example.com", "[EMAIL]", 1)},
		"by its old name":    {"x-gzip", zipped(t, text), 200, strings.Replace(text, "a@example.com", "[EMAIL]", 1)},
		"not encoded at all": {"gzip", text, 400, "the body is not what its content coding says"},
		"no header":          {"", zipped(t, text), 400, "invalid_request_error"},
		"cut short":          {"gzip", zipped(t, text)[:40], 400, "the body is not what its content coding says"},
		"two members":        {"gzip", zipped(t, text) + zipped(t, ""), 400, "the body is not what its content coding says"},
		"twice":              {"gzip, gzip", zipped(t, zipped(t, text)), 415, "use one of gzip, deflate, br, zstd"},
		"unknown":            {"compress", text, 415, "use one of gzip, deflate, br, zstd"},
		"a bomb":             {"gzip", zipped(t, strings.Repeat(" ", 1<<20)), 413, "over the limit"},
		"a duplicate key":    {"gzip", zipped(t, `{"model":"m","model":"n","messages":[]}`), 400, "invalid_request_error"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &book{}
			g := gate(t, rules{}, log, func(cfg *enforce.Config) {
				withRedactedRequest(cfg)
				cfg.MaxBody = 1 << 16
			})
			r := chatRequest(c.body)
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			sent := ""
			w := exchange(g, r, func(w *enforce.Reply, r *http.Request) error {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				sent = string(body)
				if len(r.Header["Content-Encoding"]) != 0 || r.ContentLength != int64(len(body)) {
					t.Errorf("went on as %q, %d bytes", r.Header["Content-Encoding"], r.ContentLength)
				}
				return jsonReply(200, `{"id":"x","choices":[]}`)(w, r)
			})
			says := w.Body.String()
			if w.Code == 200 {
				says = sent
			}
			if w.Code != c.status || !strings.Contains(says, c.says) {
				t.Errorf("%d %s\nwant %d with %s", w.Code, says, c.status, c.says)
			}
			if c.status == 415 && w.Header().Get("Accept-Encoding") == "" {
				t.Error("the answer does not say which codings there are")
			}
			if c.status != 200 && (sent != "" || log.story() != "request deny") {
				t.Errorf("upstream %q, audit %s", sent, log.story())
			}
		})
	}
}

func withRedactedRequest(cfg *enforce.Config) {
	withRedaction("EMAIL")(cfg)
	cfg.Redact.Request = cfg.Redact.Response
}

// A reply that is encoded although nobody asked for it is decoded, and goes on
// decoded.
func TestAnEncodedReplyIsDecoded(t *testing.T) {
	const text = `{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"mail a@example.com"},"finish_reason":"stop"}]}`
	const failed = `{"error":{"message":"mail a@example.com","type":"x"}}`
	for name, c := range map[string]struct {
		media, encoding, body string
		status, want          int
		says                  string
	}{
		"a reply":           {"application/json", "gzip", zipped(t, text), 200, 200, "mail [EMAIL]"},
		"an error":          {"application/json", "gzip", zipped(t, failed), 400, 400, "mail [EMAIL]"},
		"cut short":         {"application/json", "gzip", zipped(t, text)[:30], 200, 502, "cannot be decoded"},
		"a bomb":            {"application/json", "gzip", zipped(t, strings.Repeat(" ", 1<<20)), 200, 502, "cannot be decoded"},
		"an unknown coding": {"application/json", "compress", text, 200, 502, "not supported"},
		"a stream":          {"text/event-stream", "gzip", zipped(t, "data: [DONE]\n\n"), 200, 502, "stream is encoded"},
	} {
		t.Run(name, func(t *testing.T) {
			g := gate(t, rules{}, &book{}, func(cfg *enforce.Config) {
				withRedaction("EMAIL")(cfg)
				cfg.MaxBody = 1 << 16
			})
			w := exchange(g, chatRequest(prompt), func(w *enforce.Reply, _ *http.Request) error {
				w.Header().Set("Content-Type", c.media)
				w.Header().Set("Content-Encoding", c.encoding)
				w.WriteHeader(c.status)
				_, err := io.WriteString(w, c.body)
				return err
			})
			if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || w.Header().Get("Content-Encoding") != "" {
				t.Errorf("%d %q %s\nwant %d with %s", w.Code, w.Header().Get("Content-Encoding"), w.Body.String(), c.want, c.says)
			}
		})
	}
}
