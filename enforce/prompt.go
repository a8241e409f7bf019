package enforce

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// prompt decides a prompt and the tool results inside it, and makes the
// request ready for the upstream.
func (x *Exchange) prompt(codec wire.ChatCodec, body []byte) (*Reply, bool) {
	x.chat = codec
	req, err := codec.Request(x.incoming(body))
	if err != nil {
		if own := wire.Refuser(nil); errors.As(err, &own) {
			x.own = own
		}
		x.refuse(&wire.Refusal{Code: wire.CodeInvalidRequest, Reason: err.Error()})
		return nil, false
	}
	defer req.Release()
	x.own, _ = req.(wire.RequestRefuser)
	x.model, x.stream, x.unscanned = req.Model(), req.Stream(), req.Unscanned()
	if ref := x.refusedFact(); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	if ref := x.owns(req); ref != nil {
		x.refuse(ref)
		return nil, false
	}
	out, ref := x.decidePrompt(req, body)
	if ref != nil {
		x.answer(ref)
		return nil, false
	}
	x.forward(out)
	x.forwarded = true
	return newReply(x), true
}

// decidePrompt asks the policy about tool results and the prompt. A request
// that carries none leaves a line which says so.
func (x *Exchange) decidePrompt(req wire.Request, body []byte) ([]byte, *wire.Refusal) {
	if _, none := req.(wire.Promptless); none {
		rec := x.record("request")
		rec.Decision, rec.Reason, rec.RuleLayer = "allow", "carries no prompt; its reply is decided", policy.LayerDefault
		setScanned(rec, x.unscanned)
		x.g.cfg.Observer.Decision("request", "allow", policy.LayerDefault, 0)
		return body, x.write(rec)
	}
	r := redaction{}
	if ref := x.results(req, body, &r); ref != nil {
		return nil, ref
	}
	return x.preChat(req, body, &r)
}

// passesByDefault are facts that are not refused where nothing is configured:
// inline media and opaque echoes, which the contract lets through.
var passesByDefault = map[string]bool{"opaque_echo": true, "image": true, "audio": true, "binary": true}

// PassesByDefault tells whether a fact of content that cannot be looked into
// reaches the policy where nothing is configured.
func PassesByDefault(fact string) bool { return passesByDefault[fact] }

func (g *Gate) mayPass(fact string) bool {
	if allow, ok := g.cfg.AllowUnscanned[fact]; ok {
		return allow
	}
	return passesByDefault[fact]
}

// preChat decides the prompt. The line is written before it returns.
func (x *Exchange) preChat(req wire.Request, body []byte, r *redaction) ([]byte, *wire.Refusal) {
	needs := x.pol.Needs(policy.PreChat)
	in := x.input(policy.PreChat)
	in.Model, in.Tools = x.model, req.Tools()
	if x.g.cfg.Hashes || needs.Has(policy.FieldMessages) || needs.Has(policy.FieldMessagesHash) {
		messages := req.Messages()
		in.MessagesHash = hash(messages)
		in.Messages = messages
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, req.Texts())
	}
	d := x.decide(in)
	set := x.selectors(x.g.cfg.Redact.Request, &d)
	if d.Action == policy.Deny {
		if ref := x.write(x.decided(in, &d)); ref != nil {
			return nil, ref
		}
		return nil, &wire.Refusal{Code: wire.CodePolicyDenied, Reason: d.Reason}
	}
	r.set = set
	out, err := x.edit(req, body, &d, r)
	if err != nil {
		d.Refuse("the decision cannot be carried out: " + fixed(err))
		if ref := x.write(x.decided(in, &d)); ref != nil {
			return nil, ref
		}
		return nil, &wire.Refusal{Code: wire.CodePolicyDenied, Reason: d.Reason}
	}
	rec := x.decided(in, &d)
	x.counted(rec, "request", r.counts)
	raise(rec, policy.RedactMessages)
	if ref := x.write(rec); ref != nil {
		return nil, ref
	}
	if d.ForceModel != "" {
		x.model = d.ForceModel
	}
	return out, nil
}

// edit carries a decision out on the prompt's bytes, and reads them again.
func (x *Exchange) edit(req wire.Request, body []byte, d *policy.Decision, r *redaction) ([]byte, error) {
	if !r.set.Empty() {
		r.texts(body, req.Texts())
	}
	changed := len(r.edits) > 0
	if changed {
		body = strictjson.Splice(nil, body, merge(r.edits))
	}
	var err error
	if len(d.HideTools) > 0 {
		hide := func(name string) bool { return matchAny(d.HideTools, name) }
		if slices.ContainsFunc(req.Tools(), hide) {
			changed = true
			if body, err = req.HideTools(body, hide); err != nil {
				return nil, err
			}
		}
	}
	if d.ForceModel != "" && d.ForceModel != req.Model() {
		changed = true
		if body, err = req.ForceModel(body, d.ForceModel); err != nil {
			return nil, err
		}
		if err := x.forcePath(d.ForceModel); err != nil {
			return nil, err
		}
	}
	if !changed {
		return body, nil
	}
	again, err := x.chat.Request(x.incoming(body))
	if err != nil {
		return nil, err
	}
	defer again.Release()
	want := req.Model()
	if d.ForceModel != "" {
		want = d.ForceModel
	}
	if again.Model() != want {
		return nil, errEdit
	}
	for _, name := range again.Tools() {
		if matchAny(d.HideTools, name) {
			return nil, errEdit
		}
	}
	return body, nil
}

// incoming is the request as codecs read it.
func (x *Exchange) incoming(body []byte) wire.Incoming {
	return wire.Incoming{Params: x.route.Params, Query: x.r.URL.Query(), Header: x.r.Header, Body: body}
}

// forcePath puts another model into the path, where the path names it.
func (x *Exchange) forcePath(model string) error {
	if _, named := x.route.Params["model"]; !named {
		return nil
	}
	params := maps.Clone(x.route.Params)
	params["model"] = model
	path, err := x.route.Path(params)
	if err != nil {
		return &wire.Error{Reason: "the model cannot stand in the path"}
	}
	x.route.Params = params
	x.r.URL.Path, x.r.URL.RawPath = path, ""
	x.r.RequestURI = x.r.URL.RequestURI()
	return nil
}

var errEdit = errors.New("the edited body does not say what was decided")

// fixed gives the phrase of an error that is known to hold no content.
func fixed(err error) string {
	var we *wire.Error
	if errors.As(err, &we) {
		return we.Error()
	}
	return errEdit.Error()
}

// matchAny matches a tool's name against names and globs.
func matchAny(globs []string, name string) bool {
	for _, g := range globs {
		if g == name {
			return true
		}
		if ok, err := path.Match(strings.ReplaceAll(g, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00")); err == nil && ok {
			return true
		}
	}
	return false
}

// merge sorts replacements and drops those that lie inside an earlier one.
func merge(edits []strictjson.Replacement) []strictjson.Replacement {
	slices.SortStableFunc(edits, func(a, b strictjson.Replacement) int { return a.Start - b.Start })
	out := edits[:0]
	for _, e := range edits {
		if n := len(out); n > 0 && e.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, e.End)
			continue
		}
		out = append(out, e)
	}
	return out
}
