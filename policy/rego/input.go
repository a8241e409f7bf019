package rego

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/headgate/headgate/policy"
)

// errInput marks an input that is over its limits or not what it should be.
var errInput = errors.New("input")

// Names of the input document, made once.
var (
	keyStage        = ast.StringTerm("stage")
	keyPrincipal    = ast.StringTerm("principal")
	keyTenantID     = ast.StringTerm("tenant_id")
	keyUserID       = ast.StringTerm("user_id")
	keyRoles        = ast.StringTerm("roles")
	keyAgentID      = ast.StringTerm("agent_id")
	keyAuth         = ast.StringTerm("auth")
	keyClaims       = ast.StringTerm("claims")
	keyRequest      = ast.StringTerm("request")
	keyID           = ast.StringTerm("id")
	keyProtocol     = ast.StringTerm("protocol")
	keyEndpoint     = ast.StringTerm("endpoint")
	keyHost         = ast.StringTerm("host")
	keyRemoteIP     = ast.StringTerm("remote_ip")
	keyStream       = ast.StringTerm("stream")
	keyTime         = ast.StringTerm("time")
	keyHeaders      = ast.StringTerm("headers")
	keyServer       = ast.StringTerm("server")
	keyModel        = ast.StringTerm("model")
	keyTools        = ast.StringTerm("tools")
	keyTool         = ast.StringTerm("tool")
	keyToolName     = ast.StringTerm("tool_name")
	keyMessages     = ast.StringTerm("messages")
	keyMessagesHash = ast.StringTerm("messages_hash")
	keyArgs         = ast.StringTerm("args")
	keyArguments    = ast.StringTerm("arguments")
	keyArgsHash     = ast.StringTerm("args_hash")
	keyResponse     = ast.StringTerm("response")
	keyResponseHash = ast.StringTerm("response_hash")
	keyResult       = ast.StringTerm("result")
	keyResultHash   = ast.StringTerm("result_hash")
	keyFindings     = ast.StringTerm("findings")
	keyType         = ast.StringTerm("type")
	keyCount        = ast.StringTerm("count")
	keyAt           = ast.StringTerm("at")
	keyUnscanned    = ast.StringTerm("unscanned")
	keyInitiatorID  = ast.StringTerm("initiator_agent_id")
	keyTargetID     = ast.StringTerm("target_agent_id")
	keyInitiatorOrg = ast.StringTerm("initiator_org_id")
	keyTargetOrg    = ast.StringTerm("target_org_id")
	keyContext      = ast.StringTerm("session_context")
	keyCapabilities = ast.StringTerm("capabilities")
	emptyObject     = ast.NewTerm(ast.NewObject())
	emptyArray      = ast.NewTerm(ast.NewArray())
	stageTerms      = map[policy.Stage]*ast.Term{}
)

func init() {
	for _, s := range policy.Stages() {
		stageTerms[s] = ast.StringTerm(string(s))
	}
}

// document is an input document in the making.
type document struct {
	items  [][2]*ast.Term
	want   parts
	left   int // bytes of content that may still be parsed
	parser jsonParser
	err    error
}

// newDocument builds the input document of in's stage with those parts alone
// that are wanted, and the stage. maxBytes bounds the content that is parsed.
// An error wraps errInput.
func newDocument(in *policy.Input, want parts, maxBytes int) (ast.Value, error) {
	return newDocumentWithin(in, want, maxBytes, &deadline{})
}

// newDocumentWithin is newDocument that gives up with [errDeadline].
func newDocumentWithin(in *policy.Input, want parts, maxBytes int, limit *deadline) (ast.Value, error) {
	d := document{items: make([][2]*ast.Term, 0, 16), want: want, left: maxBytes, parser: jsonParser{limit: limit}}
	d.put(keyStage, stageTerms[in.Stage])
	if d.wants(partPrincipal) {
		d.put(keyPrincipal, d.principal(&in.Principal))
	}
	if d.wants(partRequest) {
		d.put(keyRequest, d.request(&in.Request))
	}
	d.list(keyUnscanned, in.Unscanned, partUnscanned)
	if d.wants(parts(policy.FieldFindings)) {
		d.put(keyFindings, findings(in.Findings))
	}
	switch in.Stage {
	case policy.PreChat:
		d.text(keyModel, in.Model, partModel)
		d.list(keyTools, in.Tools, partTools)
		d.hash(keyMessagesHash, in.MessagesHash, policy.FieldMessagesHash)
		d.content(keyMessages, in.Messages, policy.FieldMessages)
	case policy.PreTool:
		d.call(in)
		d.text(keyAgentID, in.Principal.AgentID, partCaller)
		d.text(keyToolName, in.Tool, partToolName)
		if args := d.content(keyArgs, in.Args, policy.FieldArgs); args != nil {
			d.put(keyArguments, args)
		}
	case policy.PostChat:
		d.text(keyModel, in.Model, partModel)
		d.hash(keyResponseHash, in.ResponseHash, policy.FieldResponseHash)
		d.content(keyResponse, in.Response, policy.FieldResponse)
	case policy.PostTool:
		d.call(in)
		d.hash(keyResultHash, in.ResultHash, policy.FieldResultHash)
		d.content(keyResult, in.Result, policy.FieldResult)
	case policy.Session:
		d.session(&in.Session)
	}
	if d.err != nil {
		return nil, d.err
	}
	return ast.NewObject(d.items...), nil
}

func (d *document) wants(p parts) bool { return d.want.has(p) }

func (d *document) put(key, value *ast.Term) {
	d.items = append(d.items, [2]*ast.Term{key, value})
}

func (d *document) text(key *ast.Term, s string, p parts) {
	if d.wants(p) {
		d.put(key, stringTerm(s))
	}
}

func (d *document) list(key *ast.Term, list []string, p parts) {
	if d.wants(p) {
		d.put(key, stringArray(list))
	}
}

// hash puts a hash where it is wanted and was computed.
func (d *document) hash(key *ast.Term, s string, f policy.Fields) {
	if s != "" {
		d.text(key, s, parts(f))
	}
}

// content parses and puts JSON content where it is wanted and was computed.
func (d *document) content(key *ast.Term, raw []byte, f policy.Fields) *ast.Term {
	if raw == nil || !d.wants(parts(f)) || d.err != nil {
		return nil
	}
	if len(raw) > d.left {
		d.err = fmt.Errorf("%w: content is too large", errInput)
		return nil
	}
	d.left -= len(raw)
	t, err := d.parser.parse(raw)
	if err != nil {
		d.err = err
		return nil
	}
	d.put(key, t)
	return t
}

// call puts what both tool stages have.
func (d *document) call(in *policy.Input) {
	d.text(keyTool, in.Tool, partTool)
	d.text(keyServer, in.Server, partServer)
	d.hash(keyArgsHash, in.ArgsHash, policy.FieldArgsHash)
}

func (d *document) principal(p *policy.Principal) *ast.Term {
	sub := document{items: make([][2]*ast.Term, 0, 6), want: d.want}
	sub.text(keyTenantID, p.TenantID, partTenantID)
	sub.text(keyUserID, p.UserID, partUserID)
	sub.list(keyRoles, p.Roles, partRoles)
	sub.text(keyAgentID, p.AgentID, partAgentID)
	sub.text(keyAuth, p.Auth, partAuth)
	if d.wants(parts(policy.FieldClaims)) {
		sub.put(keyClaims, d.claims(p.Claims))
	}
	return ast.NewTerm(ast.NewObject(sub.items...))
}

func (d *document) claims(claims map[string]any) *ast.Term {
	if len(claims) == 0 {
		return emptyObject
	}
	v, err := ast.InterfaceToValue(claims)
	if err != nil {
		d.err = fmt.Errorf("%w: a claim is no JSON value", errInput)
		return emptyObject
	}
	return ast.NewTerm(v)
}

func (d *document) request(r *policy.Request) *ast.Term {
	sub := document{items: make([][2]*ast.Term, 0, 8), want: d.want}
	sub.text(keyID, r.ID, partRequestID)
	sub.text(keyProtocol, r.Protocol, partProtocol)
	sub.text(keyEndpoint, r.Endpoint, partEndpoint)
	sub.text(keyHost, r.Host, partHost)
	sub.text(keyRemoteIP, r.RemoteIP, partRemoteIP)
	if d.wants(partStream) {
		sub.put(keyStream, ast.InternedTerm(r.Stream))
	}
	if d.wants(partTime) && !r.Time.IsZero() {
		sub.put(keyTime, ast.StringTerm(r.Time.UTC().Format(time.RFC3339Nano)))
	}
	if d.wants(parts(policy.FieldHeaders)) {
		headers := make([][2]*ast.Term, 0, len(r.Headers))
		for k, v := range r.Headers {
			headers = append(headers, [2]*ast.Term{ast.StringTerm(k), ast.StringTerm(v)})
		}
		sub.put(keyHeaders, ast.NewTerm(ast.NewObject(headers...)))
	}
	return ast.NewTerm(ast.NewObject(sub.items...))
}

func (d *document) session(s *policy.SessionRequest) {
	d.text(keyInitiatorID, s.InitiatorAgentID, partSession)
	d.text(keyTargetID, s.TargetAgentID, partSession)
	d.text(keyInitiatorOrg, s.InitiatorOrgID, partSession)
	d.text(keyTargetOrg, s.TargetOrgID, partSession)
	d.text(keyContext, s.Context, partSession)
	d.list(keyCapabilities, s.Capabilities, partSession)
}

func findings(list []policy.Finding) *ast.Term {
	terms := make([]*ast.Term, 0, len(list))
	for _, f := range list {
		terms = append(terms, ast.NewTerm(ast.NewObject(
			[2]*ast.Term{keyType, stringTerm(f.Type)},
			[2]*ast.Term{keyCount, ast.NewTerm(ast.Number(strconv.Itoa(f.Count)))},
			[2]*ast.Term{keyAt, stringTerm(f.At)},
		)))
	}
	return ast.NewTerm(ast.NewArray(terms...))
}

// stringTerm is the term of s, one of OPA's shared ones where there is one.
func stringTerm(s string) *ast.Term { return ast.InternedTerm(s) }

func stringArray(list []string) *ast.Term {
	if len(list) == 0 {
		return emptyArray
	}
	terms := make([]*ast.Term, len(list))
	for i, s := range list {
		terms[i] = stringTerm(s)
	}
	return ast.NewTerm(ast.NewArray(terms...))
}
