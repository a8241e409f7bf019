package enforce

import (
	"mime"
	"net/http"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// toolKind is for endpoints that are tools. It belongs to one exchange.
type toolKind struct {
	codec wire.ToolCodec
	call  *wire.ToolCall
	media string // of the reply
}

// admit decides a call.
func (k *toolKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	req, err := k.codec.Call(x.incoming(body))
	if err != nil {
		x.refuse(&wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
		return nil, false
	}
	k.call = req.Call()
	out, ref := k.decide(x, req, body)
	if ref != nil {
		x.answer(ref)
		return nil, false
	}
	x.forward(out)
	x.forwarded = true
	return newReply(x), true
}

func (k *toolKind) decide(x *Exchange, req wire.ToolRequest, body []byte) ([]byte, *wire.Refusal) {
	d := x.preTool(k.call, req.Doc())
	r := redaction{set: d.set}
	out := body
	if !d.denied() {
		r.firstly(req.Doc(), k.call.Texts)
		if len(r.edits) > 0 {
			var err error
			if out, err = k.edit(x, req, strictjson.Splice(nil, req.Doc(), merge(r.edits))); err != nil {
				d.d.Refuse("the decision cannot be carried out: " + fixed(err))
				r.counts = nil
			}
		}
	}
	rec := x.decided(d.in, &d.d)
	x.counted(rec, "args", r.counts)
	raise(rec, policy.RedactArgs)
	if ref := x.write(rec); ref != nil {
		return nil, ref
	}
	if d.denied() {
		return nil, &wire.Refusal{Code: wire.CodePolicyDenied, Reason: x.toolDenial(&d)}
	}
	return out, nil
}

// edit puts edited arguments into the request, and reads it again.
func (k *toolKind) edit(x *Exchange, req wire.ToolRequest, doc []byte) ([]byte, error) {
	to, err := req.Edited(doc)
	if err != nil {
		return nil, err
	}
	path, err := x.route.Path(to.Params)
	if err != nil {
		return nil, &wire.Error{Reason: "an argument cannot stand in the path"}
	}
	again, err := k.codec.Call(wire.Incoming{Params: to.Params, Query: to.Query, Header: x.r.Header, Body: to.Body})
	if err != nil {
		return nil, err
	}
	if want, err := strictjson.Canonical(doc); err != nil || string(again.Call().Args) != string(want) {
		return nil, errEdit
	}
	x.route.Params = to.Params
	x.r.URL.Path, x.r.URL.RawPath = path, ""
	if query := to.Query.Encode(); query != x.r.URL.Query().Encode() {
		x.r.URL.RawQuery = query
	}
	x.r.RequestURI = x.r.URL.RequestURI()
	return to.Body, nil
}

// classify takes everything but streams of events.
func (k *toolKind) classify(_ *Reply, media string) replyMode {
	k.media = media
	if media == "text/event-stream" {
		return modeRefuse
	}
	return modeWhole
}

func (k *toolKind) stream(*Reply) streamer { return nil } // there is none, see classify

func (k *toolKind) whole(p *Reply) { k.result(p, endComplete) }

// failed decides a reply that is no success like any other: its words reach
// whoever has asked. Where it leads elsewhere it is refused.
func (k *toolKind) failed(p *Reply) {
	if p.status < http.StatusBadRequest {
		p.fail(wire.CodeUpstream, "the upstream's reply leads elsewhere")
		return
	}
	media, params, err := mime.ParseMediaType(p.x.w.Header().Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if (err != nil && len(p.buf) > 0) || charset != "" && charset != "utf-8" && charset != "us-ascii" || k.classify(p, media) == modeRefuse {
		p.fail(wire.CodeUpstream, "the upstream's reply cannot be read")
		return
	}
	k.result(p, endUpstream)
}

// result decides a result, and sends it.
func (k *toolKind) result(p *Reply, ended string) {
	x := p.x
	reply, err := k.codec.Result(k.media, p.buf)
	if err != nil {
		x.g.cfg.Logger.Warn("the upstream's reply was not understood", "request_id", x.id, "error", err)
		p.fail(wire.CodeUpstream, "the upstream's reply was not understood")
		return
	}
	res := reply.Result()
	res.Name = k.call.Name
	d := x.postTool(res, k.call.Args, reply.Doc())
	r := redaction{set: d.set}
	out := p.buf
	if !d.denied() {
		r.firstly(reply.Doc(), res.Texts)
		if len(r.edits) > 0 {
			if out, err = k.rewritten(reply, strictjson.Splice(nil, reply.Doc(), merge(r.edits))); err != nil {
				d.d.Refuse(notCarriedOut.Reason)
				r.counts = nil
			}
		}
	}
	rec := x.decided(d.in, &d.d)
	x.counted(rec, "results", r.counts)
	raise(rec, policy.RedactResult)
	switch ref := x.write(rec); {
	case ref != nil:
		p.refuseWith(ref)
	case d.denied():
		p.refuseWith(&wire.Refusal{Code: wire.CodePolicyDenied, Reason: x.resultDenial(&d)})
	case len(out) == 0:
		p.sendStatus()
		p.ended = ended
	default:
		p.counts = addCounts(p.counts, r.counts)
		if p.send(out) == nil {
			p.ended = ended
		}
	}
}

// rewritten is the reply with edited texts, read again.
func (k *toolKind) rewritten(reply wire.ToolReply, doc []byte) ([]byte, error) {
	out, err := reply.Edited(doc)
	if err != nil {
		return nil, err
	}
	again, err := k.codec.Result(k.media, out)
	if err != nil {
		return nil, err
	}
	if want, err := strictjson.Canonical(doc); err != nil || string(again.Result().Value) != string(want) {
		return nil, errEdit
	}
	return out, nil
}

// Interface guard
var _ failing = (*toolKind)(nil)
