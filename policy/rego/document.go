package rego

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/headgate/headgate/policy"
)

// ParseInput reads an input document, in the shape that a policy sees, back
// into the input that it was made of: for policies that are tried by hand. name
// is shown in errors.
//
// The stage is the document's stage, or the one given; where both are there they
// must agree. Which members a document may have depends on its stage. All of
// them may be left out; what is left out is empty, or not computed. At pre_tool
// agent_id, tool_name and arguments may stand for principal.agent_id, tool and
// args, or beside them with the same value.
//
// Content (messages, args, response, result) becomes canonical JSON: RFC 8785,
// but for numbers that a double does not hold, which keep their digits.
//
// Reading is strict: an unknown member, a member that is written twice, a wrong
// type are errors, "file:line:col: what and how to mend it". An error holds none
// of the document's values.
func ParseInput(name string, src []byte, stage policy.Stage) (*policy.Input, error) {
	r := &inputReader{name: name, src: src, in: &policy.Input{}, seen: map[string]bool{}}
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	if err := r.stage(root, stage); err != nil {
		return nil, err
	}
	if err := r.object(root, "the document", r.top); err != nil {
		return nil, err
	}
	return r.in, nil
}

// everyStage are the members that the document of each stage can have.
var everyStage = []string{"stage", "principal", "request", "findings", "unscanned"}

// stageMembers are the members that a stage's document has besides.
var stageMembers = map[policy.Stage][]string{
	policy.PreChat:  {"model", "tools", "messages", "messages_hash"},
	policy.PreTool:  {"tool", "tool_name", "agent_id", "server", "args", "arguments", "args_hash"},
	policy.PostChat: {"model", "response", "response_hash"},
	policy.PostTool: {"tool", "server", "args_hash", "result", "result_hash"},
	policy.Session: {
		"initiator_agent_id", "target_agent_id", "initiator_org_id", "target_org_id", "session_context", "capabilities",
	},
}

// stage finds the document's stage out, before anything else is read.
func (r *inputReader) stage(root place, want policy.Stage) error {
	if want != "" && !slices.Contains(policy.Stages(), want) {
		return fmt.Errorf("unknown stage %q; it must be %s", clip(string(want), 64), stageNames())
	}
	r.in.Stage = want
	found := false
	err := r.object(root, "the document", func(key string, _ int64, v place) error {
		if key != "stage" {
			return nil
		}
		found = true
		text, err := r.text(v, key)
		if err != nil {
			return err
		}
		got := policy.Stage(text)
		switch {
		case !slices.Contains(policy.Stages(), got):
			return r.fault(v.at, fmt.Sprintf("unknown stage %q; it must be %s", clip(text, 64), stageNames()))
		case want != "" && got != want:
			return r.fault(v.at, fmt.Sprintf("the document is of stage %s, not of %s; change one of them", got, want))
		}
		r.in.Stage = got
		return nil
	})
	if err == nil && !found && want == "" {
		return r.fault(root.at, "the document has no stage; add \"stage\", which is "+stageNames())
	}
	return err
}

// top reads a member of the document.
func (r *inputReader) top(key string, at int64, v place) (err error) {
	in := r.in
	known := slices.Concat(everyStage, stageMembers[in.Stage])
	if !slices.Contains(known, key) {
		for _, s := range policy.Stages() {
			if slices.Contains(stageMembers[s], key) {
				return r.fault(at, fmt.Sprintf("%s is no member of a document of stage %s; take it out", key, in.Stage))
			}
		}
		return r.unknown(at, key, "the document", known)
	}
	switch key {
	case "principal":
		return r.object(v, key, r.principal)
	case "request":
		return r.object(v, key, r.request)
	case "findings":
		return r.list(v, key, r.finding)
	case "unscanned":
		in.Unscanned, err = r.texts(v, key)
	case "model":
		in.Model, err = r.text(v, key)
	case "tools":
		in.Tools, err = r.texts(v, key)
	case "server":
		in.Server, err = r.text(v, key)
	case "tool", "tool_name":
		return r.either("tool", "tool_name", key, v, &in.Tool)
	case "agent_id":
		return r.either("principal.agent_id", "agent_id", key, v, &in.Principal.AgentID)
	case "messages_hash":
		in.MessagesHash, err = r.hash(v, key)
	case "args_hash":
		in.ArgsHash, err = r.hash(v, key)
	case "response_hash":
		in.ResponseHash, err = r.hash(v, key)
	case "result_hash":
		in.ResultHash, err = r.hash(v, key)
	case "messages":
		in.Messages, err = r.content(v, key, "a list", '[')
	case "response":
		in.Response, err = r.content(v, key, "an object", '{')
	case "result":
		in.Result, err = r.content(v, key, "")
	case "args", "arguments":
		return r.arguments(key, v)
	default:
		return r.session(key, v)
	}
	return err
}

// either reads a member that has two spellings into to.
func (r *inputReader) either(one, two, key string, v place, to *string) error {
	text, err := r.text(v, key)
	if err != nil {
		return err
	}
	if r.seen[one] && *to != text {
		return r.fault(v.at, fmt.Sprintf("%s and %s are the same thing but differ; keep one", one, two))
	}
	r.seen[one], *to = true, text
	return nil
}

// arguments reads args, in either spelling.
func (r *inputReader) arguments(key string, v place) error {
	args, err := r.content(v, key, "an object or a string", '{', '"')
	if err != nil {
		return err
	}
	if r.in.Args != nil && !bytes.Equal(r.in.Args, args) {
		return r.fault(v.at, "args and arguments are the same thing but differ; keep one")
	}
	r.in.Args = args
	return nil
}

var principalMembers = []string{"tenant_id", "user_id", "roles", "agent_id", "auth", "claims"}

func (r *inputReader) principal(key string, at int64, v place) (err error) {
	p := &r.in.Principal
	switch key {
	case "tenant_id":
		p.TenantID, err = r.text(v, key)
	case "user_id":
		p.UserID, err = r.text(v, key)
	case "roles":
		p.Roles, err = r.texts(v, key)
	case "agent_id":
		return r.either("principal.agent_id", "agent_id", key, v, &p.AgentID)
	case "auth":
		p.Auth, err = r.text(v, key)
	case "claims":
		p.Claims, err = r.claims(v, key)
	default:
		return r.unknown(at, key, "principal", principalMembers)
	}
	return err
}

var requestMembers = []string{"id", "protocol", "endpoint", "host", "remote_ip", "stream", "time", "headers"}

func (r *inputReader) request(key string, at int64, v place) (err error) {
	q := &r.in.Request
	switch key {
	case "id":
		q.ID, err = r.text(v, key)
	case "protocol":
		q.Protocol, err = r.text(v, key)
	case "endpoint":
		q.Endpoint, err = r.text(v, key)
	case "host":
		q.Host, err = r.text(v, key)
	case "remote_ip":
		q.RemoteIP, err = r.text(v, key)
	case "stream":
		q.Stream, err = r.boolean(v, key)
	case "time":
		return r.time(v, key)
	case "headers":
		q.Headers = map[string]string{}
		return r.object(v, key, r.header)
	default:
		return r.unknown(at, key, "request", requestMembers)
	}
	return err
}

func (r *inputReader) time(v place, key string) error {
	text, err := r.text(v, key)
	if err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return r.fault(v.at, "time must be as in RFC 3339, \"2026-04-29T17:32:04Z\"")
	}
	r.in.Request.Time = t.UTC()
	return nil
}

func (r *inputReader) header(key string, at int64, v place) (err error) {
	if key != string(bytes.ToLower([]byte(key))) {
		return r.fault(at, "the name of a header must be in lower case, as a policy sees it")
	}
	r.in.Request.Headers[key], err = r.text(v, "a header")
	return err
}

var findingMembers = []string{"type", "count", "at"}

func (r *inputReader) finding(v place) error {
	var f policy.Finding
	err := r.object(v, "an entry of findings", func(key string, at int64, v place) (err error) {
		switch key {
		case "type":
			f.Type, err = r.text(v, key)
		case "count":
			f.Count, err = r.count(v, key)
		case "at":
			f.At, err = r.text(v, key)
		default:
			return r.unknown(at, key, "an entry of findings", findingMembers)
		}
		return err
	})
	r.in.Findings = append(r.in.Findings, f)
	return err
}

func (r *inputReader) session(key string, v place) (err error) {
	s := &r.in.Session
	switch key {
	case "initiator_agent_id":
		s.InitiatorAgentID, err = r.text(v, key)
	case "target_agent_id":
		s.TargetAgentID, err = r.text(v, key)
	case "initiator_org_id":
		s.InitiatorOrgID, err = r.text(v, key)
	case "target_org_id":
		s.TargetOrgID, err = r.text(v, key)
	case "session_context":
		s.Context, err = r.text(v, key)
	case "capabilities":
		s.Capabilities, err = r.texts(v, key)
	}
	return err
}
