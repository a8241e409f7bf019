package enforce

import (
	"bytes"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// batchKind is for bodies of requests: each is decided as if it had come
// alone, under the name of its own endpoint, and one that is refused refuses
// all.
type batchKind struct {
	recordKind
	codec wire.BatchCodec
}

func (k batchKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	batch, err := k.codec.Batch(x.incoming(body))
	if err != nil {
		x.refuse(&wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
		return nil, false
	}
	if batch.Prompt {
		return x.prompt(restCodec{k.codec}, body)
	}
	if ref := x.owns(batch.Rest); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	edits, counts, ref := x.besides(body, batch.Rest.Texts())
	if ref != nil {
		x.refuse(ref)
		return nil, false
	}
	bodies := make([][]byte, len(batch.Items))
	for i := range batch.Items {
		it := &batch.Items[i]
		y := x.alone(it)
		out, ref, told := y.decideItem(it.Codec, body[it.Start:it.End])
		if ref != nil {
			ref = &wire.Refusal{Code: ref.Code, Reason: it.Name + ": " + ref.Reason}
			if told {
				x.answer(ref)
			} else {
				x.refuse(ref)
			}
			return nil, false
		}
		bodies[i] = out
		if !bytes.Equal(out, body[it.Start:it.End]) {
			edits = append(edits, strictjson.Replacement{Start: it.Start, End: it.End, Text: out})
		}
	}
	if len(edits) > 0 {
		body = strictjson.Splice(nil, body, merge(edits))
		again, err := k.codec.Batch(x.incoming(body))
		if err != nil || !holds(again, body, bodies) {
			x.refuse(notCarriedOutOnRequest)
			return nil, false
		}
	}
	return x.let(body, counts)
}

// holds tells whether a batch holds exactly the requests that were decided.
func holds(b *wire.Batch, body []byte, want [][]byte) bool {
	if b.Prompt || len(b.Items) != len(want) {
		return false
	}
	for i := range b.Items {
		if !bytes.Equal(body[b.Items[i].Start:b.Items[i].End], want[i]) {
			return false
		}
	}
	return true
}

// alone is the exchange that an item would have been, had it come alone.
func (x *Exchange) alone(it *wire.Item) *Exchange {
	y := *x
	y.chat, y.endpoint = it.Codec, it.Endpoint
	y.route.Endpoint = &wire.Endpoint{Codec: it.Codec}
	y.route.Params = nil
	y.model, y.stream, y.unscanned = "", false, nil
	return &y
}

// decideItem decides one request of a batch. told says of a refusal that it has
// its line.
func (x *Exchange) decideItem(codec wire.ChatCodec, body []byte) (out []byte, ref *wire.Refusal, told bool) {
	req, err := codec.Request(x.incoming(body))
	if err != nil {
		return nil, &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()}, false
	}
	defer req.Release()
	if req.Stream() {
		return nil, &wire.Refusal{Code: wire.CodeInvalidRequest, Reason: "a request of a batch has no stream"}, false
	}
	x.model, x.unscanned = req.Model(), req.Unscanned()
	if ref := x.refusedFact(); ref != nil {
		return nil, ref, false
	}
	if ref := x.owns(req); ref != nil {
		return nil, ref, false
	}
	out, ref = x.decidePrompt(req, body)
	return out, ref, true
}

// refusedFact refuses what cannot be scanned and may not pass.
func (x *Exchange) refusedFact() *wire.Refusal {
	for _, fact := range x.unscanned {
		if !x.g.mayPass(fact) {
			return unscanned(fact)
		}
	}
	return nil
}

// unscanned is the refusal of a fact, with the line that lets it pass.
func unscanned(fact string) *wire.Refusal {
	return &wire.Refusal{
		Code:   wire.CodePolicyDenied,
		Reason: "content that cannot be scanned: " + fact + "; `unscanned allow " + fact + "` lets the policy decide",
	}
}

// restCodec reads what a batch is where it is decided as one prompt.
type restCodec struct{ wire.BatchCodec }

// Request reads the prompt. One that has become a batch is not what was
// decided.
func (c restCodec) Request(in wire.Incoming) (wire.Request, error) {
	batch, err := c.Batch(in)
	if err != nil {
		return nil, err
	}
	if !batch.Prompt {
		return nil, errEdit
	}
	return batch.Rest, nil
}

// Reply reads a record.
func (c restCodec) Reply(body []byte) (wire.Reply, error) { return c.Record(body) }

// Stream is never asked for: no reply is a stream.
func (restCodec) Stream(wire.StreamOptions) wire.Stream { return nil }

// Interface guards
var (
	_ kind           = batchKind{}
	_ wire.ChatCodec = restCodec{}
)
