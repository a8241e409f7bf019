package traffic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	anthropicstream "github.com/anthropics/anthropic-sdk-go/packages/ssestream"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
)

// Valid reads a reply with the API's own SDK. Replies that are no success are
// not looked at.
func Valid(e *Exchange, reply []byte) error {
	if e.Status != http.StatusOK {
		return nil
	}
	resp := &http.Response{
		StatusCode: e.Status, Header: http.Header{"Content-Type": {e.Media}},
		Body: io.NopCloser(bytes.NewReader(reply)), Request: &http.Request{Method: http.MethodPost},
	}
	stream := strings.HasPrefix(e.Media, "text/event-stream")
	switch {
	case e.Protocol == "openai-chat" && stream:
		return drain[openai.ChatCompletionChunk](resp)
	case e.Protocol == "openai-responses" && stream:
		return drain[responses.ResponseStreamEventUnion](resp)
	case e.Protocol == "anthropic-messages" && stream:
		s := anthropicstream.NewStream[anthropic.MessageStreamEventUnion](anthropicstream.NewDecoder(resp), nil)
		var m anthropic.Message
		for s.Next() {
			if err := m.Accumulate(s.Current()); err != nil {
				return err
			}
		}
		return s.Err()
	case e.Protocol == "openai-chat":
		return ask(resp, &openai.ChatCompletion{})
	case e.Protocol == "openai-responses":
		return ask(resp, &responses.Response{})
	case e.Protocol == "openai-completions" && !stream:
		return ask(resp, &openai.Completion{})
	case e.Protocol == "openai-embeddings" && bytes.Contains(reply, []byte(`"data"`)):
		return ask(resp, &openai.CreateEmbeddingResponse{})
	case e.Protocol == "anthropic-messages":
		client := anthropic.NewClient(anthropicoption.WithAPIKey("k"), anthropicoption.WithHTTPClient(answer{resp}), anthropicoption.WithMaxRetries(0))
		var m anthropic.Message
		if err := client.Post(context.Background(), "v1/messages", map[string]any{}, &m); err != nil {
			return err
		}
		if m.Role == "" {
			return errEmpty
		}
	}
	return nil
}

var errEmpty = errors.New("the SDK sees no message")

func drain[T any](resp *http.Response) error {
	s := ssestream.NewStream[T](ssestream.NewDecoder(resp), nil)
	n := 0
	for s.Next() {
		n++
	}
	if s.Err() == nil && n == 0 {
		return errEmpty
	}
	return s.Err()
}

// answer is an HTTP client that has one answer.
type answer struct{ resp *http.Response }

func (a answer) Do(r *http.Request) (*http.Response, error) {
	a.resp.Request = r
	return a.resp, nil
}

func ask(resp *http.Response, to any) error {
	client := openai.NewClient(option.WithAPIKey("k"), option.WithHTTPClient(answer{resp}), option.WithMaxRetries(0))
	return client.Post(context.Background(), "x", map[string]any{}, to)
}
