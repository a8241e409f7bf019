package enforce

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/frame"
	"github.com/headgate/headgate/wire/strictjson"
)

// rpcKind is for messages of JSON-RPC between a client and a server of tools.
// It belongs to one exchange.
type rpcKind struct {
	codec wire.RPCCodec
	asked *wire.RPC // what the client has sent, as it goes upstream
	media string    // of the reply

	answered bool // the server has answered it
	denied   bool // its answer did not go on
}

// classify takes a stream, a message, and a bare status where one is due.
func (k *rpcKind) classify(p *Reply, media string) replyMode {
	k.media = media
	switch {
	case media == "text/event-stream" && k.asked.Kind != wire.RPCClose:
		p.format = frame.SSE
		return modeStream
	case media == "application/json", media == "", k.bare(p.status):
		return modeWhole
	}
	return modeRefuse
}

// bare tells whether a reply has no body that concerns the client: the request
// had no answer coming, or it comes on another stream.
func (k *rpcKind) bare(status int) bool {
	switch k.asked.Kind {
	case wire.RPCNotification, wire.RPCAnswer, wire.RPCClose:
		return true
	}
	return status == http.StatusAccepted || status == http.StatusNoContent
}

// whole decides one message.
func (k *rpcKind) whole(p *Reply) {
	if ref := k.opens(p); ref != nil {
		p.refuseWith(ref)
		return
	}
	switch {
	case k.bare(p.status), len(bytes.TrimSpace(p.buf)) == 0:
		p.sendStatus()
	case k.media == "":
		p.fail(wire.CodeUpstream, "the upstream's reply is neither JSON nor a stream of events")
	default:
		k.message(p, endComplete)
	}
}

// message decides the message that the whole reply is, and sends it.
func (k *rpcKind) message(p *Reply, ended string) {
	out, ref := k.server(p, p.buf)
	switch {
	case ref != nil && (ref.Code == wire.CodeUpstream || ref.Code == wire.CodeInternal):
		p.fail(ref.Code, ref.Reason)
	case ref != nil:
		p.refuseWith(ref)
	case out == nil:
		p.sendStatus()
	case k.denied:
		p.status = http.StatusOK
		ended = endDenied
		fallthrough
	default:
		if p.send(out) == nil {
			p.ended = ended
		}
	}
}

// failed passes on a reply that is no success: a message, other JSON redacted,
// and of all else the status alone. Clients take it for the end of a session or
// for the lack of a stream, so that it must stay. They also show its body to the
// model: where a result is due, nothing but an answer goes on.
func (k *rpcKind) failed(p *Reply) {
	if p.status < http.StatusBadRequest {
		p.fail(wire.CodeUpstream, "the upstream answered with status "+strconv.Itoa(p.status))
		return
	}
	if ref := k.opens(p); ref != nil {
		p.refuseWith(ref)
		return
	}
	if m, err := k.codec.Server(p.buf, k.asked); err == nil && (m.Answers || k.asked.Call == nil) {
		k.message(p, endUpstream)
		return
	}
	doc, err := strictjson.Parse(p.buf, strictjson.Limits{})
	switch {
	case err == nil && k.asked.Call == nil:
		doc.Release()
		p.closeError()
	case p.status >= http.StatusInternalServerError:
		p.fail(wire.CodeUpstream, "the upstream answered with status "+strconv.Itoa(p.status)+" and a body that is no JSON")
	default:
		p.sendStatus()
		p.ended = endUpstream
	}
}

// sendStatus answers with the upstream's status and header, and no body.
func (p *Reply) sendStatus() {
	p.sent = true
	h := p.x.w.Header()
	for _, name := range []string{"Content-Type", "Content-Length", "Trailer"} {
		h.Del(name)
	}
	p.x.w.WriteHeader(p.status)
	p.ended = endComplete
}

// rpcEdit is a message on its way through the stages.
type rpcEdit struct {
	x     *Exchange
	m     *wire.RPC
	edits []strictjson.Replacement
	done  []carried
	rest  redaction // of the texts that are in no stage

	failed string // why nothing of it could be carried out
}

// carried is a decision with what it changes.
type carried struct {
	decision
	redaction
	direction string
	to        policy.Action // what the line says where the configuration changed something
}

// take notes a decision, and scans the texts that it concerns. It answers false
// where it is a deny.
func (e *rpcEdit) take(d decision, texts []wire.Text, direction string, to policy.Action) bool {
	c := carried{decision: d, direction: direction, to: to}
	if !d.denied() {
		c.redaction.set = d.set
		c.firstly(e.m.Body, texts)
		e.edits = append(e.edits, c.edits...)
	}
	e.done = append(e.done, c)
	return !d.denied()
}

// texts applies configured selectors to texts that are in no stage.
func (e *rpcEdit) texts(sel []redact.Selector, texts []wire.Text) *wire.Refusal {
	set, err := e.x.g.sets.get(sel)
	if err != nil {
		return &wire.Refusal{Code: wire.CodeInternal, Reason: "the configured redaction cannot be used"}
	}
	e.rest.set = set
	from := len(e.rest.edits)
	e.rest.firstly(e.m.Body, texts)
	e.edits = append(e.edits, e.rest.edits[from:]...)
	return nil
}

// lines writes the lines of the decisions.
func (e *rpcEdit) lines() *wire.Refusal {
	for i := range e.done {
		c := &e.done[i]
		rec := e.x.decided(c.in, &c.d)
		e.x.counted(rec, c.direction, c.counts)
		raise(rec, c.to)
		if ref := e.x.write(rec); ref != nil {
			return ref
		}
	}
	return nil
}

// body is the message with the edits.
func (e *rpcEdit) body() []byte {
	if len(e.edits) == 0 {
		return e.m.Body
	}
	return strictjson.Splice(nil, e.m.Body, merge(e.edits))
}

// Interface guards
var (
	_ failing  = (*rpcKind)(nil)
	_ streamer = (*rpcStream)(nil)
)
