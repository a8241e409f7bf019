package enforce

import (
	"encoding/json"
	"strings"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/strictjson"
)

// results decides the tool results that a prompt brings along (post_tool).
// Those after the last assistant message are decided each time; earlier ones
// only where no allow for the same result is remembered.
func (x *Exchange) results(req wire.Request, body []byte, r *redaction) *wire.Refusal {
	list := req.Results()
	for i := range list {
		if ref := x.result(&list[i], req.Texts(), body, r); ref != nil {
			return ref
		}
	}
	return nil
}

func (x *Exchange) result(res *wire.Result, texts []wire.Text, body []byte, r *redaction) *wire.Refusal {
	args := res.Args
	if args == nil {
		args = []byte("{}")
	}
	value := resultJSON(res.Text)
	argsHash, resultHash := hash(args), hash(value)
	key := memoryKey(res.Tool, argsHash, resultHash, x.who.TenantID, x.who.UserID,
		strings.Join(x.who.Roles, "\x00"), x.who.AgentID, x.who.Auth, x.pol.SHA256())
	if !res.Latest && x.g.seen.has(key) {
		return x.configured(res, texts, body, r)
	}
	needs := x.pol.Needs(policy.PostTool)
	in := x.input(policy.PostTool)
	in.Tool, in.ArgsHash, in.ResultHash = res.Tool, argsHash, resultHash
	if needs.Has(policy.FieldResult) {
		in.Result = value
	}
	if needs.Has(policy.FieldFindings) {
		in.Findings = x.findings(body, pick(texts, res.Texts))
	}
	d := x.decide(in)
	set := x.selectors(x.g.cfg.Redact.Results, &d)
	if d.Action == policy.Deny {
		if ref := x.write(x.decided(in, &d)); ref != nil {
			return ref
		}
		return &wire.Refusal{Code: wire.CodePolicyDenied, Reason: x.clean("result of " + toolReason(x.cleanTool(res.Tool), d.Reason))}
	}
	mine := redaction{set: set}
	if !set.Empty() {
		mine.texts(body, pick(texts, res.Texts))
	}
	r.edits = append(r.edits, mine.edits...)
	rec := x.decided(in, &d)
	x.counted(rec, "results", mine.counts)
	raise(rec, policy.RedactResult)
	if ref := x.write(rec); ref != nil {
		return ref
	}
	if d.Action == policy.Allow {
		x.g.seen.add(key)
	}
	return nil
}

// configured applies the configuration's own redaction to a result whose
// decision is remembered; the counts go to the prompt's line.
func (x *Exchange) configured(res *wire.Result, texts []wire.Text, body []byte, r *redaction) *wire.Refusal {
	set, err := x.g.sets.get(x.g.cfg.Redact.Results)
	if err != nil {
		return &wire.Refusal{Code: wire.CodeInternal, Reason: "the configured redaction cannot be used"}
	}
	if !set.Empty() {
		mine := redaction{set: set, counts: r.counts, edits: r.edits}
		mine.texts(body, pick(texts, res.Texts))
		r.counts, r.edits = mine.counts, mine.edits
	}
	return nil
}

func pick(texts []wire.Text, at []int) []wire.Text {
	out := make([]wire.Text, 0, len(at))
	for _, i := range at {
		out = append(out, texts[i])
	}
	return out
}

// resultJSON is a result as policies and hashes see it: the JSON value where
// the text is an object or an array that passes the gate, else a string.
func resultJSON(text string) json.RawMessage {
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if b, err := strictjson.Canonical([]byte(t)); err == nil {
			return b
		}
	}
	b, err := strictjson.Canonical(strictjson.AppendQuoted(nil, text))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return b
}
