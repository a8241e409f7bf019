package rego

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/headgate/headgate/policy"
)

// maxKey is the length in bytes up to which a key is the projection itself;
// a longer one is its SHA-256.
const maxKey = 256

// key is the projection of an input onto the parts that a stage reads, as bytes
// from which those parts can be read back: equal keys mean equal documents.
type key struct{ text []byte }

var keys = sync.Pool{New: func() any { return &key{text: make([]byte, 0, 2*maxKey)} }}

// set makes the key of an input, and reports whether it has one. It takes the
// same fields at the same stages as [newDocument].
func (k *key) set(in *policy.Input, want parts) bool {
	k.text = append(k.text[:0], 0)
	k.principal(&in.Principal, want)
	k.request(&in.Request, want)
	k.list(in.Unscanned, want.has(partUnscanned))
	if want.has(parts(policy.FieldFindings)) {
		k.findings(in.Findings)
	}
	switch in.Stage {
	case policy.PreChat:
		k.str(in.Model, want.has(partModel))
		k.list(in.Tools, want.has(partTools))
		k.str(in.MessagesHash, want.has(parts(policy.FieldMessagesHash)))
		k.content(in.Messages, want.has(parts(policy.FieldMessages)))
	case policy.PreTool:
		k.call(in, want|toolParts(want))
		k.str(in.Principal.AgentID, want.has(partCaller))
		k.content(in.Args, want.has(parts(policy.FieldArgs)))
	case policy.PostChat:
		k.str(in.Model, want.has(partModel))
		k.str(in.ResponseHash, want.has(parts(policy.FieldResponseHash)))
		k.content(in.Response, want.has(parts(policy.FieldResponse)))
	case policy.PostTool:
		k.call(in, want)
		k.str(in.ResultHash, want.has(parts(policy.FieldResultHash)))
		k.content(in.Result, want.has(parts(policy.FieldResult)))
	case policy.Session:
		k.session(&in.Session, want.has(partSession))
	}
	ok := true
	if want.has(parts(policy.FieldClaims)) {
		ok = k.claims(in.Principal.Claims)
	}
	if len(k.text) > maxKey {
		sum := sha256.Sum256(k.text)
		k.text = append(append(k.text[:0], 1), sum[:]...)
	}
	return ok
}

// toolParts adds the tool where it is read by its other name.
func toolParts(want parts) parts {
	if want.has(partToolName) {
		return partTool
	}
	return 0
}

// str adds a string with its length before it.
func (k *key) str(s string, wanted bool) {
	if wanted {
		k.text = append(binary.AppendUvarint(k.text, uint64(len(s))), s...)
	}
}

func (k *key) list(list []string, wanted bool) {
	if !wanted {
		return
	}
	k.text = binary.AppendUvarint(k.text, uint64(len(list)))
	for _, s := range list {
		k.str(s, true)
	}
}

// content adds JSON text; one that was not computed is told from an empty one.
func (k *key) content(raw []byte, wanted bool) {
	if !wanted {
		return
	}
	if raw == nil {
		k.text = append(k.text, 0)
		return
	}
	k.text = append(k.text, 1)
	k.text = append(binary.AppendUvarint(k.text, uint64(len(raw))), raw...)
}

func (k *key) principal(p *policy.Principal, want parts) {
	k.str(p.TenantID, want.has(partTenantID))
	k.str(p.UserID, want.has(partUserID))
	k.list(p.Roles, want.has(partRoles))
	k.str(p.AgentID, want.has(partAgentID))
	k.str(p.Auth, want.has(partAuth))
}

// claims adds the verified claims; maps are written with sorted keys.
func (k *key) claims(claims map[string]any) bool {
	if len(claims) == 0 {
		k.text = append(k.text, 0)
		return true
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return false
	}
	k.content(text, true)
	return true
}

func (k *key) request(r *policy.Request, want parts) {
	k.str(r.ID, want.has(partRequestID))
	k.str(r.Protocol, want.has(partProtocol))
	k.str(r.Endpoint, want.has(partEndpoint))
	k.str(r.Host, want.has(partHost))
	k.str(r.RemoteIP, want.has(partRemoteIP))
	if want.has(partStream) {
		k.bool(r.Stream)
	}
	if want.has(partTime) {
		k.text = binary.AppendVarint(k.text, r.Time.UnixNano())
	}
	if want.has(parts(policy.FieldHeaders)) {
		k.text = binary.AppendUvarint(k.text, uint64(len(r.Headers)))
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			k.str(name, true)
			k.str(r.Headers[name], true)
		}
	}
}

func (k *key) call(in *policy.Input, want parts) {
	k.str(in.Tool, want.has(partTool))
	k.str(in.Server, want.has(partServer))
	k.str(in.ArgsHash, want.has(parts(policy.FieldArgsHash)))
}

func (k *key) findings(list []policy.Finding) {
	k.text = binary.AppendUvarint(k.text, uint64(len(list)))
	for _, f := range list {
		k.str(f.Type, true)
		k.text = binary.AppendVarint(k.text, int64(f.Count))
		k.str(f.At, true)
	}
}

func (k *key) session(s *policy.SessionRequest, wanted bool) {
	if !wanted {
		return
	}
	for _, v := range [...]string{
		s.InitiatorAgentID, s.TargetAgentID, s.InitiatorOrgID, s.TargetOrgID, s.Context,
	} {
		k.str(v, true)
	}
	k.list(s.Capabilities, true)
}

func (k *key) bool(b bool) {
	if b {
		k.text = append(k.text, 1)
		return
	}
	k.text = append(k.text, 0)
}
