package enforce_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/binding"
	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/principal"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
)

// keeping is the chat API of an upstream that keeps what it says: the reply
// "resp_1" is made, and a model's name is the id of what goes before.
type keeping struct{ openai.Dialect }

func (keeping) Endpoints() []wire.Endpoint {
	return []wire.Endpoint{{Method: http.MethodPost, Path: "/chat/completions", Codec: keepingChat{}}}
}

type keepingChat struct{ openai.Chat }

func (c keepingChat) Request(in wire.Incoming) (wire.Request, error) {
	r, err := c.Chat.Request(in)
	return referring{r}, err
}

func (c keepingChat) Reply(body []byte) (wire.Reply, error) {
	r, err := c.Chat.Reply(body)
	return creatingReply{r}, err
}

func (c keepingChat) Stream(o wire.StreamOptions) wire.Stream {
	return creatingStream{c.Chat.Stream(o)}
}

type (
	referring      struct{ wire.Request }
	creatingReply  struct{ wire.Reply }
	creatingStream struct{ wire.Stream }
)

func (r referring) References() []string   { return strings.Fields(strings.TrimPrefix(r.Model(), "m")) }
func (creatingReply) Created() []string    { return []string{"resp_1"} }
func (s creatingStream) Created() []string { return strings.Fields(s.Model()) }
func asking(user, body string) *http.Request {
	r := chatRequest(body)
	r.Header.Set("X-User", user)
	return r
}

type byHeader struct{}

func (byHeader) Identify(r *http.Request) (*principal.Principal, error) {
	return &principal.Principal{TenantID: "acme", UserID: r.Header.Get("X-User")}, nil
}

func keepingGate(t *testing.T, log *book, change func(*enforce.Config)) *enforce.Gate {
	t.Helper()
	store, err := binding.Open(filepath.Join(t.TempDir(), "ids"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return gate(t, rules{}, log, func(c *enforce.Config) {
		var err error
		if c.Router, err = wire.NewRouter([]wire.Served{{Dialect: keeping{}, Prefix: "/v1"}}); err != nil {
			t.Fatal(err)
		}
		c.Identify, c.Bindings = byHeader{}, store
		if change != nil {
			change(c)
		}
	})
}

const (
	plain  = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	onward = `{"model":"resp_1","messages":[{"role":"user","content":"go on"}]}`
)

func saysOK(w *enforce.Reply, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"choices":[{"message":{"content":"ok"}}]}`))
	return err
}

func status(t *testing.T, w *httptest.ResponseRecorder, want int) {
	t.Helper()
	if w.Code != want {
		t.Errorf("status %d, want %d: %s", w.Code, want, w.Body)
	}
}

// TestNobodyGoesOnWithAnothersResponse: what alice made, only alice can name.
func TestNobodyGoesOnWithAnothersResponse(t *testing.T) {
	log := &book{}
	g := keepingGate(t, log, nil)
	status(t, exchange(g, asking("alice", onward), saysOK), 403) // nobody made it yet
	status(t, exchange(g, asking("alice", plain), saysOK), 200)
	status(t, exchange(g, asking("bob", onward), saysOK), 403)
	status(t, exchange(g, asking("alice", onward), saysOK), 200)
	if want := "request deny, pre_chat allow, post_chat allow, outcome complete, request deny, pre_chat allow, post_chat allow, outcome complete"; log.story() != want {
		t.Errorf("story\n %s, want\n %s", log.story(), want)
	}
}

// TestAStreamsResponseIsBoundBeforeItsIdIsSeen.
func TestAStreamsResponseIsBoundBeforeItsIdIsSeen(t *testing.T) {
	g := keepingGate(t, &book{}, nil)
	const events = `data: {"model":"resp_1","choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n" +
		`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\ndata: [DONE]\n\n"
	status(t, exchange(g, asking("alice", prompt), stream(events, 7, nil)), 200)
	status(t, exchange(g, asking("bob", onward), saysOK), 403)
	status(t, exchange(g, asking("alice", onward), saysOK), 200)
}

// TestForeignIDs: with allow, an id that nobody made here passes, and never one
// that is somebody else's.
func TestForeignIDs(t *testing.T) {
	g := keepingGate(t, &book{}, func(c *enforce.Config) { c.AllowForeignIDs = true })
	status(t, exchange(g, asking("bob", onward), saysOK), 200) // and it is bob's now
	status(t, exchange(g, asking("alice", onward), saysOK), 403)
}

// brokenBindings fail.
type brokenBindings struct{ lookup bool }

func (b brokenBindings) Bind(string, string, binding.Owner) error { return errors.New("disk full") }
func (b brokenBindings) Owner(string, string) (binding.Owner, bool, error) {
	if b.lookup {
		return binding.Owner{}, false, errors.New("unreadable")
	}
	return binding.OwnerOf("acme", "alice", ""), true, nil
}

func TestBrokenBindingsRefuse(t *testing.T) {
	for _, b := range []brokenBindings{{}, {lookup: true}} {
		log := &book{}
		g := keepingGate(t, log, func(c *enforce.Config) { c.Bindings = b })
		w := exchange(g, asking("alice", onward), saysOK)
		status(t, w, 503)
		if strings.Contains(w.Body.String(), `"ok"`) || !strings.Contains(w.Body.String(), "id") {
			t.Errorf("body %s", w.Body)
		}
	}
}

// TestAListShowsEverybodyTheirOwn: files are made by upload, and listed by
// whoever asks.
func TestAListShowsEverybodyTheirOwn(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		store, err := binding.Open(filepath.Join(t.TempDir(), "ids"), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		for id, user := range map[string]string{"file-a": "alice", "file-b": "bob"} {
			if err := store.Bind("openai", id, binding.OwnerOf("acme", user, "")); err != nil {
				t.Fatal(err)
			}
		}
		g := gate(t, rules{}, &book{}, func(c *enforce.Config) {
			c.Identify, c.Bindings, c.AllowForeignIDs = byHeader{}, store, foreign
		})
		r := get("/files")
		r.Header.Set("X-User", "alice")
		w := exchange(g, r, jsonReply(200, `{"object":"list","data":[{"id":"file-b","filename":"b.txt"},{"id":"file-a","filename":"a.txt"},{"id":"file-c","filename":"c.txt"}],"has_more":false}`))
		want := `{"object":"list","data":[{"id":"file-a","filename":"a.txt"}],"has_more":false}`
		if foreign {
			want = `{"object":"list","data":[{"id":"file-a","filename":"a.txt"},{"id":"file-c","filename":"c.txt"}],"has_more":false}`
		}
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("foreign ids %v: %d %s", foreign, w.Code, w.Body)
		}
	}
	g := gate(t, rules{}, &book{}, func(c *enforce.Config) { c.Identify, c.Bindings = byHeader{}, brokenBindings{lookup: true} })
	w := exchange(g, get("/files"), jsonReply(200, `{"data":[{"id":"file-b","filename":"b.txt"}]}`))
	status(t, w, 503)
}
