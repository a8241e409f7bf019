package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	client "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/headgate/headgate/enforce"
)

// serve puts a gate in front of an upstream that answers with body, for the
// official client.
func serve(t *testing.T, g *enforce.Gate, media, body string) *responses.ResponseService {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := exchange(g, r.Method, r.URL.Path, string(request), media, body, 1000, nil)
		for k, v := range got.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	c := client.NewClient(option.WithBaseURL(s.URL+"/v1/"), option.WithAPIKey("k"))
	return &c.Responses
}

var params = responses.ResponseNewParams{Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: client.String("hi")}}

// TestTheOfficialClientReadsWhatIsRewritten: a response of which a call was
// denied and a text redacted, whole and streamed.
func TestTheOfficialClientReadsWhatIsRewritten(t *testing.T) {
	g := gate(t, denies{tools: []string{"f"}}, &lines{}, "EMAIL")
	items := []item{says("msg_0", "to alice@", "example.com"), calls("fc_1", "f", `{"a":`, `1}`), calls("fc_2", "other", `{}`)}
	list := respond(t, items...)
	const wantText = "to [EMAIL]tool `f`: not today"
	check := func(r *responses.Response) {
		t.Helper()
		if r.OutputText() != wantText || len(r.Output) != 3 || r.Output[2].Name != "other" || r.Status != "completed" {
			t.Errorf("%q, %s", r.OutputText(), r.RawJSON())
		}
	}

	s := serve(t, g, "text/event-stream", strings.Join(list, ""))
	stream := s.NewStreaming(t.Context(), params)
	deltas, ended := "", 0
	var whole *responses.Response
	for n := int64(0); stream.Next(); n++ {
		ev := stream.Current()
		if ev.SequenceNumber != n {
			t.Errorf("event %d has the number %d", n, ev.SequenceNumber)
		}
		switch ev := ev.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			deltas += ev.Delta
		case responses.ResponseOutputItemDoneEvent:
			ended++
		case responses.ResponseCompletedEvent:
			whole = &ev.Response
		}
	}
	if err := stream.Err(); err != nil || whole == nil || deltas != wantText || ended != 3 {
		t.Fatalf("%v, %q, %d items", err, deltas, ended)
	}
	check(whole)

	var last struct{ Response json.RawMessage }
	end := list[len(list)-1]
	if err := json.Unmarshal([]byte(end[strings.Index(end, "data: ")+6:]), &last); err != nil {
		t.Fatal(err)
	}
	r, err := serve(t, g, "application/json", string(last.Response)).New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	check(r)
}

// TestTheOfficialClientIsRefused: a stream that breaks off is an error.
func TestTheOfficialClientIsRefused(t *testing.T) {
	list := respond(t, says("msg_0", "some words"))
	stream := serve(t, gate(t, denies{}, &lines{}), "text/event-stream", strings.Join(list[:6], "")).NewStreaming(t.Context(), params)
	for stream.Next() {
	}
	if err := stream.Err(); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("no error: %v", err)
	}
}
