package a2a

import (
	"bytes"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// operation is what a method does, as far as a gate has to know.
type operation struct {
	sends   bool // it carries a message
	streams bool
	refused string
}

var (
	sendMessage   = operation{sends: true}
	streamMessage = operation{sends: true, streams: true}
	readTask      = operation{}
	streamTask    = operation{streams: true}
	pushConfig    = operation{refused: refusedPush}
	extendedCard  = operation{refused: refusedCard}
)

// methods are those of JSON-RPC, of 0.3 and of 1.0.
var methods = map[string]operation{
	"message/send":      sendMessage,
	"message/stream":    streamMessage,
	"tasks/get":         readTask,
	"tasks/list":        readTask,
	"tasks/cancel":      readTask,
	"tasks/resubscribe": streamTask,

	"tasks/pushNotificationConfig/set":    pushConfig,
	"tasks/pushNotificationConfig/get":    pushConfig,
	"tasks/pushNotificationConfig/list":   pushConfig,
	"tasks/pushNotificationConfig/delete": pushConfig,
	"agent/getAuthenticatedExtendedCard":  extendedCard,

	"SendMessage":          sendMessage,
	"SendStreamingMessage": streamMessage,
	"GetTask":              readTask,
	"ListTasks":            readTask,
	"CancelTask":           readTask,
	"SubscribeToTask":      streamTask,

	"CreateTaskPushNotificationConfig": pushConfig,
	"GetTaskPushNotificationConfig":    pushConfig,
	"ListTaskPushNotificationConfigs":  pushConfig,
	"DeleteTaskPushNotificationConfig": pushConfig,
	"GetExtendedAgentCard":             extendedCard,
}

// RPC is the codec of JSON-RPC.
type RPC struct{}

// Protocol is "a2a".
func (RPC) Protocol() string { return "a2a" }

// Request reads {"jsonrpc": "2.0", "id", "method", "params"}. Its errors write
// their refusals themselves, as the request does, once the id is known.
func (RPC) Request(in wire.Incoming) (wire.Request, error) {
	doc, err := strictjson.Parse(in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &request{doc: doc, rpc: true}
	if err := r.readRPC(doc.Root()); err != nil {
		doc.Release()
		if r.id != nil {
			return nil, &refused{err, r.id}
		}
		return nil, err
	}
	return r.asked(), nil
}

func (r *request) readRPC(root strictjson.Value) error {
	switch root.Kind() {
	case strictjson.Object:
	case strictjson.Array:
		return read.Wrong("", "batches are not supported")
	default:
		return read.Wrong("", "the body is not a JSON object")
	}
	if err := checkNames(root, "", envelopeFields); err != nil {
		return err
	}
	switch id := root.Get("id"); id.Kind() {
	case strictjson.String, strictjson.Number:
		r.id = bytes.Clone(id.Raw())
	default:
		return read.Wrong("id", "must be a string or a number")
	}
	if !root.Get("jsonrpc").EqualStr("2.0") {
		return read.Wrong("jsonrpc", `must be "2.0"`)
	}
	op, ok := methods[root.Get("method").Str()]
	switch {
	case !ok:
		return read.Wrong("method", "unknown method")
	case op.refused != "":
		return read.Wrong("method", op.refused)
	}
	for k, v := range root.Members() {
		if key := k.Str(); !envelopeFields.has(key) {
			read.EveryString(v, func(leaf strictjson.Value) { r.text(leaf, wire.Place{List: key, Index: -1}) })
		}
	}
	return r.params(op, root.Get("params"), "params")
}

// rpcRequest is a request that knows its id.
type rpcRequest struct{ *request }

// Refuse answers with a JSON-RPC error of the request's id.
func (r rpcRequest) Refuse(ref wire.Refusal) (int, []byte) { return refuseRPC(r.id, ref) }

// refused is the error of a request of which the id is known.
type refused struct {
	error
	id []byte
}

func (e *refused) Unwrap() error { return e.error }

// Refuse answers with a JSON-RPC error of the request's id.
func (e *refused) Refuse(ref wire.Refusal) (int, []byte) { return refuseRPC(e.id, ref) }

// Refuse answers a request that was not read: the id is null.
func (RPC) Refuse(r wire.Refusal) (int, []byte) { return r.Code.Status(), rpcError(nil, r) }

// Reply reads {"jsonrpc": "2.0", "id", "result"}, or one with an error.
func (RPC) Reply(body []byte) (wire.Reply, error) { return readReply(body, true) }

// Stream starts reading events that hold JSON-RPC responses.
func (RPC) Stream(o wire.StreamOptions) wire.Stream { return newStream(true, o) }

// Interface guards
var (
	_ wire.RequestRefuser = rpcRequest{}
	_ wire.Referrer       = rpcRequest{}
	_ wire.RequestRefuser = rpcQuestion{}
	_ wire.Promptless     = rpcQuestion{}
	_ wire.Promptless     = question{}
	_ wire.Refuser        = (*refused)(nil)
)
