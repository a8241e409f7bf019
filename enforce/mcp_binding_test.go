package enforce_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/binding"
	"github.com/headgate/headgate/enforce"
)

const (
	rpcInitialize  = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}`
	rpcInitialized = `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}`
	rpcTask        = `{"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"task-1","status":"working"}}}`
)

// sessionGate is a gate in front of a server with sessions, whose bindings are
// in a file.
func sessionGate(t *testing.T, path string, foreign bool) *enforce.Gate {
	t.Helper()
	store, err := binding.Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return mcpGate(t, rules{}, &book{}, func(c *enforce.Config) {
		c.Identify, c.Bindings, c.AllowForeignIDs = byHeader{}, store, foreign
	})
}

// inSession is a message of a user in a session.
func inSession(user, session, method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User", user)
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	return r
}

// opening is a reply that opens the session "s1".
func opening(reply func(*enforce.Reply, *http.Request) error) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, r *http.Request) error {
		w.Header().Set("Mcp-Session-Id", "s1")
		return reply(w, r)
	}
}

// refused tells whether an answer is the refusal of another caller's id, with a
// status that no client takes for the end of its session.
func refused(w *httptest.ResponseRecorder) bool {
	return w.Code == http.StatusOK && strings.Contains(w.Body.String(), "did not create here") && w.Header().Get("Mcp-Session-Id") == ""
}

// TestASessionIsItsCallers: only who has opened a session can speak in it,
// listen to it and end it, also after a restart.
func TestASessionIsItsCallers(t *testing.T) {
	for name, open := range map[string]func(*enforce.Reply, *http.Request) error{
		"whole":  opening(jsonReply(200, rpcInitialized)),
		"stream": opening(events(rpcInitialized)),
		"failed": opening(jsonReply(400, rpcInitialized)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ids")
			g := sessionGate(t, path, false)
			early := exchange(g, inSession("alice", "s1", "POST", "/mcp", rpcCall), nil)
			if !refused(early) {
				t.Errorf("a session that nobody has opened: %d %s", early.Code, early.Body)
			}
			if w := exchange(g, inSession("alice", "", "POST", "/mcp", rpcInitialize), open); w.Header().Get("Mcp-Session-Id") != "s1" {
				t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			for range 2 {
				for _, tt := range []struct {
					method, body string
					reply        func(*enforce.Reply, *http.Request) error
				}{
					{"POST", rpcCall, jsonReply(200, rpcResult)},
					{"POST", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, answer(202, "", "")},
					{"POST", `{"jsonrpc":"2.0","id":7,"result":{}}`, answer(202, "", "")},
					{"GET", "", events(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)},
					{"DELETE", "", answer(204, "", "")},
				} {
					if w := exchange(g, inSession("bob", "s1", tt.method, "/mcp", tt.body), nil); !refused(w) {
						t.Errorf("bob %s: %d %s", tt.method, w.Code, w.Body)
					}
					if w := exchange(g, inSession("alice", "s1", tt.method, "/mcp", tt.body), tt.reply); w.Code > 299 || refused(w) {
						t.Errorf("alice %s: %d %s", tt.method, w.Code, w.Body)
					}
				}
				g = sessionGate(t, path, true) // what is somebody's stays so where unknown ids pass
			}
			if w := exchange(g, inSession("bob", "s2", "POST", "/mcp", rpcCall), jsonReply(200, rpcResult)); refused(w) {
				t.Errorf("an unknown session where such pass: %s", w.Body)
			}
		})
	}
}

// TestASessionInAnAddress: the older transport names its session in the address
// of the messages.
func TestASessionInAnAddress(t *testing.T) {
	for _, name := range []string{"sessionId", "session_id", "sessionid"} {
		g := sessionGate(t, filepath.Join(t.TempDir(), "ids"), false)
		address := "/mcp/messages?" + name + "=s1"
		if w := exchange(g, inSession("alice", "", "GET", "/mcp/sse", ""), stream("event: endpoint\ndata: "+address+"\n\n", 9, nil)); !strings.Contains(w.Body.String(), address) {
			t.Fatal(w.Body)
		}
		if w := exchange(g, inSession("bob", "", "POST", address, rpcCall), nil); !refused(w) {
			t.Errorf("bob: %d %s", w.Code, w.Body)
		}
		if w := exchange(g, inSession("alice", "", "POST", address, rpcCall), answer(202, "", "")); w.Code != 202 {
			t.Errorf("alice: %d %s", w.Code, w.Body)
		}
	}
}

// TestATaskIsItsCallers: what a call goes on as is nobody else's.
func TestATaskIsItsCallers(t *testing.T) {
	g := sessionGate(t, filepath.Join(t.TempDir(), "ids"), false)
	const get = `{"jsonrpc":"2.0","id":1,"method":"tasks/result","params":{"taskId":"task-1"}}`
	exchange(g, inSession("alice", "", "POST", "/mcp", rpcCall), jsonReply(200, rpcTask))
	if w := exchange(g, inSession("bob", "", "POST", "/mcp", get), nil); !refused(w) {
		t.Errorf("bob: %d %s", w.Code, w.Body)
	}
	if w := exchange(g, inSession("alice", "", "POST", "/mcp", get), jsonReply(200, rpcResult)); w.Body.String() != rpcResult {
		t.Errorf("alice: %d %s", w.Code, w.Body)
	}
}

// TestASessionThatCannotBeBound is not told to the client.
func TestASessionThatCannotBeBound(t *testing.T) {
	for name, reply := range map[string]func(*enforce.Reply, *http.Request) error{
		"whole": jsonReply(200, rpcInitialized), "stream": events(rpcInitialized), "failed": jsonReply(400, rpcInitialized),
		"a page": answer(200, "text/html", "x"),
	} {
		g := mcpGate(t, rules{}, &book{}, func(c *enforce.Config) { c.Identify, c.Bindings = byHeader{}, brokenBindings{} })
		w := exchange(g, inSession("alice", "", "POST", "/mcp", rpcInitialize), opening(reply))
		if w.Code < 500 || w.Header().Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
}
