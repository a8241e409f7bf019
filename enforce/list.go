package enforce

import (
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// listKind is for lists of models, where nobody is shown one that the policy
// would refuse whatever was asked, and for lists of what the upstream keeps,
// where everybody is shown their own.
type listKind struct{ codec wire.ListCodec }

func (k listKind) admit(x *Exchange, body []byte) (*Reply, bool) {
	if model, named := x.route.Params["model"]; named && x.hidden(model) {
		x.refuse(&wire.Refusal{Code: wire.CodeNotFound, Reason: unknownModel})
		return nil, false
	}
	return x.let(body, nil)
}

const unknownModel = "the model does not exist, or you have no access to it"

// unasked are the parts of the input that are not known before a prompt comes.
// What the list's own request looks like says nothing of the prompt's.
const unasked = policy.FieldMessages | policy.FieldMessagesHash | policy.FieldFindings | policy.FieldRequest | policy.FieldHeaders

// hidden tells whether the policy denies a model whatever is asked.
func (x *Exchange) hidden(model string) bool {
	p, ok := x.pol.(policy.Prober)
	if !ok {
		return false
	}
	in := x.input(policy.PreChat)
	in.Model = model
	return p.Hopeless(x.ctx, in, unasked)
}

func (listKind) classify(p *Reply, media string) replyMode { return recordKind{}.classify(p, media) }

// stream is never asked for: no reply is a stream.
func (listKind) stream(*Reply) streamer { return nil }

func (k listKind) whole(p *Reply) {
	list, err := k.codec.List(p.buf)
	if err != nil {
		p.misread(err)
		return
	}
	edits, ok := p.configured(list.Words)
	if !ok {
		return
	}
	if len(edits) > 0 {
		models := list.Models
		if list, err = k.codec.List(strictjson.Splice(nil, p.buf, edits)); err != nil || len(list.Models) != len(models) {
			p.refuseWith(p.denyLine(notCarriedOut))
			return
		}
	}
	hide, ref := k.hides(p.x, list.Models)
	if ref != nil {
		p.refuseWith(ref)
		return
	}
	if _, one := p.x.route.Params["model"]; one && len(hide) > 0 && hide[0] { // under another name than was asked for
		p.refuseWith(&wire.Refusal{Code: wire.CodeNotFound, Reason: unknownModel})
		return
	}
	if p.send(list.Without(hide)) == nil {
		p.ended = endComplete
	}
}

// hides tells which entries of a list the caller is not shown.
func (k listKind) hides(x *Exchange, names []string) ([]bool, *wire.Refusal) {
	_, kept := k.codec.(wire.KeptLister)
	hide := make([]bool, len(names))
	for i, name := range names {
		if !kept {
			hide[i] = x.hidden(name)
			continue
		}
		switch ref := x.ownsID(name); ref {
		case nil, notYours:
			hide[i] = ref != nil
		default:
			return nil, ref
		}
	}
	return hide, nil
}

// Interface guard
var _ kind = listKind{}
