package a2a

import (
	"bytes"
	"slices"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// REST is the codec of one operation of HTTP+JSON. A denial is a 403 with
//
//	{"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "…"}}
type REST struct{ op operation }

// Protocol is "a2a".
func (REST) Protocol() string { return "a2a" }

// queryNames are the parameters that say nothing but which tasks are meant.
var queryNames = []string{
	"contextId", "historyLength", "includeArtifacts", "pageSize", "pageToken", "status", "statusTimestampAfter", "tenant", "A2A-Version",
}

// Request reads what JSON-RPC has in its params; the task is named in the path.
func (c REST) Request(in wire.Incoming) (wire.Request, error) {
	for name := range in.Query {
		if !slices.Contains(queryNames, name) {
			return nil, read.Wrong("", "the query has a parameter that is not known")
		}
	}
	body := in.Body
	if len(bytes.TrimSpace(body)) == 0 && !c.op.sends {
		body = []byte("{}")
	}
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	r := &request{doc: doc}
	r.refer(in.Params["id"])
	r.refer(in.Query.Get("contextId"))
	if err := r.params(c.op, doc.Root(), ""); err != nil {
		doc.Release()
		return nil, err
	}
	return r.asked(), nil
}

// Reply reads a message or a task, as it is or below its name, or a list.
func (REST) Reply(body []byte) (wire.Reply, error) { return readReply(body, false) }

// Stream starts reading events.
func (REST) Stream(o wire.StreamOptions) wire.Stream { return newStream(false, o) }
