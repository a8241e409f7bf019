package anthropic

import (
	"fmt"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxTools bounds what a request may offer.
const maxTools = 1024

// Messages is the codec of POST /v1/messages.
type Messages struct{}

// Protocol is "anthropic.messages".
func (Messages) Protocol() string { return "anthropic.messages" }

// Request reads a request for a message.
func (Messages) Request(in wire.Incoming) (wire.Request, error) { return readRequest(in) }

func readRequest(in wire.Incoming) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &request{doc: doc, root: doc.Root()}
	if err := r.read(); err != nil {
		doc.Release()
		return nil, err
	}
	return r, nil
}

type request struct {
	doc       *strictjson.Doc
	root      strictjson.Value
	model     string
	stream    bool
	tools     []string
	unscanned []string
	texts     []wire.Text
	messages  []message
}

// message is a message of the normalised conversation: the system text comes
// first, and each tool_result is a message of its own.
type message struct {
	role   string
	blocks []strictjson.Value // the content's blocks, or its one string
	result strictjson.Value   // the tool_result block of a tool's message
	texts  [2]int             // from and to in the request's texts
}

func (r *request) Model() string       { return r.model }
func (r *request) Stream() bool        { return r.stream }
func (r *request) Tools() []string     { return r.tools }
func (r *request) Unscanned() []string { return r.unscanned }
func (r *request) Texts() []wire.Text  { return r.texts }
func (r *request) Release()            { r.doc.Release() }

func (r *request) read() error {
	if r.root.Kind() != strictjson.Object {
		return read.Wrong("", "the body is not a JSON object")
	}
	if err := r.root.CheckKeys(requestFields); err != nil {
		return &wire.Error{Err: err}
	}
	if r.model = r.root.Get("model").Str(); r.model == "" {
		return read.Wrong("model", "must be a string that names a model")
	}
	for _, key := range []string{"fallbacks", "models"} {
		if r.root.Get(key).Exists() {
			return read.Wrong(key, "a request names its model in one place, \"model\"")
		}
	}
	if s := r.root.Get("stream"); s.Exists() && !s.IsNull() && s.Kind() != strictjson.True && s.Kind() != strictjson.False {
		return read.Wrong("stream", "must be true or false")
	}
	r.stream = r.root.Get("stream").Bool()
	if r.root.Get("messages").Kind() != strictjson.Array {
		return read.Wrong("messages", "must be an array")
	}
	if err := r.readSystem(r.root.Get("system")); err != nil {
		return err
	}
	for i, m := range r.root.Get("messages").Elems() {
		if err := r.readMessage(i, m); err != nil {
			return err
		}
	}
	if err := r.readTools(r.root.Get("tools")); err != nil {
		return err
	}
	if err := r.readServers(r.root.Get("mcp_servers")); err != nil {
		return err
	}
	for k, v := range r.root.Members() {
		if err := r.member(k.Str(), v); err != nil {
			return err
		}
	}
	slices.Sort(r.unscanned)
	r.unscanned = slices.Compact(r.unscanned)
	return nil
}

// member reads what is beside the model, the conversation and the tools.
func (r *request) member(key string, v strictjson.Value) error {
	text := func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) }
	switch key {
	case "model", "stream", "system", "messages", "tools", "mcp_servers", "cache_control":
	case "tool_choice": // names of tools
		if err := v.CheckKeys(choiceFields); err != nil {
			return &wire.Error{Path: key, Err: err}
		}
	case "metadata":
		read.EveryString(v, text)
	case "container":
		return r.container(v)
	default:
		walk(v, text, r.fact)
	}
	return nil
}

// container reads the place where the provider's tools run: what earlier
// requests left in it, and stored instructions, cannot be seen.
func (r *request) container(v strictjson.Value) error {
	if err := v.CheckKeys(containerFields); err != nil {
		return &wire.Error{Path: "container", Err: err}
	}
	switch v.Kind() {
	case strictjson.Null:
	case strictjson.String:
		r.fact("file_id")
	case strictjson.Object:
		if id := v.Get("id"); id.Exists() && !id.IsNull() {
			r.fact("file_id")
		}
		if v.Get("skills").Len() > 0 {
			r.fact("stored_prompt")
		}
		besides(v, func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: "container", Index: -1}) }, r.fact, "id")
	default:
		return read.Wrong("container", "must be a string or an object")
	}
	return nil
}

func (r *request) fact(name string) { r.unscanned = append(r.unscanned, name) }

func (r *request) text(v strictjson.Value, p wire.Place) *wire.Text {
	start, end := v.Span()
	r.texts = append(r.texts, wire.Text{Start: start, End: end, Place: p})
	return &r.texts[len(r.texts)-1]
}

func (r *request) readTools(v strictjson.Value) error {
	if !v.Exists() || v.IsNull() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong("tools", "must be an array")
	}
	if v.Len() > maxTools {
		return read.Wrong("tools", "too many tools")
	}
	for i, t := range v.Elems() {
		path := fmt.Sprintf("tools[%d]", i)
		if t.Kind() != strictjson.Object {
			return read.Wrong(path, "must be an object")
		}
		if err := t.CheckKeys(toolFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		if t.Get("model").Exists() {
			return read.Wrong(path+".model", "a request names its model in one place, \"model\"")
		}
		name := toolName(t)
		if name == "" {
			return read.Wrong(path+".name", "must be a string")
		}
		r.tools = append(r.tools, name)
		place := wire.Place{List: "tools", Index: i, Field: "description"}
		text := func(leaf strictjson.Value) { r.text(leaf, place) }
		besides(t, text, noFact, "name", "type", "mcp_server_name")
	}
	return nil
}

// toolName is the name under which policies know a tool: its own, also that
// of a tool which the provider runs ("web_search"), or "mcp:" and the name of
// the server for all tools of an MCP server.
func toolName(t strictjson.Value) string {
	if server := t.Get("mcp_server_name").Str(); server != "" {
		return "mcp:" + server
	}
	return t.Get("name").Str()
}

// readServers reads the MCP servers that the provider is asked to call.
func (r *request) readServers(v strictjson.Value) error {
	if !v.Exists() || v.IsNull() {
		return nil
	}
	if v.Kind() != strictjson.Array {
		return read.Wrong("mcp_servers", "must be an array")
	}
	if v.Len() > maxTools {
		return read.Wrong("mcp_servers", "too many servers")
	}
	for i, s := range v.Elems() {
		path := fmt.Sprintf("mcp_servers[%d]", i)
		if s.Kind() != strictjson.Object {
			return read.Wrong(path, "must be an object")
		}
		if err := s.CheckKeys(serverFields); err != nil {
			return &wire.Error{Path: path, Err: err}
		}
		name := s.Get("name").Str()
		if name == "" {
			return read.Wrong(path+".name", "must be a string")
		}
		r.tools = append(r.tools, "mcp:"+name)
		r.fact("remote_url")
		place := wire.Place{List: "mcp_servers", Index: i}
		besides(s, func(leaf strictjson.Value) { r.text(leaf, place) }, r.fact, "name", "type", "authorization_token")
	}
	return nil
}

// Interface guard
var _ wire.Request = (*request)(nil)
