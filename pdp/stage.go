package pdp

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/wire/strictjson"
)

// stageNames lists for each stage the members that its input may have, with
// the names of the input document. Any other is refused: a question in which a
// name is misspelt, or stands at the wrong stage, would be decided without it.
var stageNames = map[policy.Stage][]string{
	policy.PreChat:  {"stage", "principal", "model", "tools", "messages", "messages_hash", "findings", "unscanned"},
	policy.PreTool:  {"stage", "principal", "agent_id", "tool", "tool_name", "args", "arguments", "args_hash", "model", "server", "findings", "unscanned"},
	policy.PostChat: {"stage", "principal", "model", "response", "response_hash", "findings", "unscanned"},
	policy.PostTool: {"stage", "principal", "tool", "args", "args_hash", "result", "result_hash", "server", "findings", "unscanned"},
	policy.Session:  append([]string{"stage", "principal"}, sessionNames...),
}

var (
	principalNames  = []string{"tenant_id", "user_id", "roles", "agent_id"}
	principalFields = strictjson.Keys(principalNames...)
)

// unscannedFacts are what an input may name as not looked into.
var unscannedFacts = []string{
	"previous_response_id", "conversation", "stored_prompt", "file_id", "background", "cached_content", "remote_url",
	"opaque_echo", "image", "audio", "binary",
}

// dataStage decides any stage.
//
// Content and its hash may be sent both, one of them, or neither. What is not
// sent is undefined for the policy. A hash that is sent beside its content must
// be the content's:
//
//	args_hash, result_hash   the SHA-256 of the canonical form of the value
//	messages_hash            of the messages with every member filled in (see [fillMessages])
//	response_hash            of the texts and tool calls (see [replyHashForm])
func (c *call) dataStage(body []byte) *refusal {
	doc, input, ref := c.dataInput(body)
	if ref != nil {
		return ref
	}
	defer doc.Release()
	rd := &reader{v: input, at: "input."}
	stage := policy.Stage(rd.name("stage"))
	names, ok := stageNames[stage]
	if !ok {
		rd.wrong("stage", "must be pre_chat, pre_tool, post_chat, post_tool or session")
		return rd.ref
	}
	rd.only(names)
	pol := c.h.cfg.Policy.Current()
	in := c.input(stage)
	c.readPrincipal(rd, in)
	content := c.readStage(rd, in, pol.Needs(stage))
	if rd.ref != nil {
		return rd.ref
	}
	d := c.decide(pol, in)
	if d.Action == policy.Allow {
		d.Reason = ""
	}
	if ref := c.settle(in, &d, scanned(in, content)); ref != nil {
		return ref
	}
	c.send(http.StatusOK, result(appendDecision(nil, &d)))
	return nil
}

// scanned states how much of the content the decision could look into.
func scanned(in *policy.Input, content bool) string {
	switch {
	case in.Stage == policy.Session:
		return ""
	case len(in.Unscanned) > 0:
		return "partial"
	case content:
		return "full"
	}
	return "none"
}

// readPrincipal puts what the input says about the principal in the place of
// what is known of the caller, key by key. How the caller was identified stays.
func (c *call) readPrincipal(rd *reader, in *policy.Input) {
	p := rd.within("principal", rd.v.Get("principal"), principalFields)
	p.only(principalNames)
	set := func(name string, to *string) {
		if text := p.text(name); p.has(name) {
			*to = text
		}
	}
	set("tenant_id", &in.Principal.TenantID)
	set("user_id", &in.Principal.UserID)
	set("agent_id", &in.Principal.AgentID)
	if roles := p.texts("roles"); p.has("roles") {
		in.Principal.Roles = roles
	}
}

// readStage reads what belongs to the stage, and reports whether its content
// was sent.
func (c *call) readStage(rd *reader, in *policy.Input, needs policy.Fields) bool {
	in.Model, in.Server = rd.text("model"), rd.text("server")
	in.Unscanned = rd.texts("unscanned")
	for _, fact := range in.Unscanned {
		if !slices.Contains(unscannedFacts, fact) {
			rd.wrong("unscanned", "names a fact that is not known")
		}
	}
	var seen []place
	switch in.Stage {
	case policy.PreChat:
		in.Tools = rd.texts("tools")
		seen = c.readMessages(rd, in, needs)
	case policy.PreTool:
		seen = c.readCall(rd, in, needs)
	case policy.PostChat:
		seen = c.readResponse(rd, in, needs)
	case policy.PostTool:
		seen = c.readResult(rd, in, needs)
	case policy.Session:
		in.Session = readSession(rd)
	}
	in.Findings = readFindings(rd)
	if rd.ref == nil && !rd.has("findings") && needs.Has(policy.FieldFindings) {
		in.Findings = c.h.find(seen)
	}
	return seen != nil
}

// readCall reads a tool call. Its tool and its arguments have two names each.
func (c *call) readCall(rd *reader, in *policy.Input, needs policy.Fields) []place {
	in.Tool = rd.either(rd.text, "tool", "tool_name")
	if in.Tool == "" {
		rd.wrong("tool", "is missing")
	}
	if agent := rd.text("agent_id"); rd.has("agent_id") {
		if rd.v.Get("principal").Get("agent_id").Exists() && in.Principal.AgentID != agent {
			rd.wrong("agent_id", "and input.principal.agent_id differ")
		}
		in.Principal.AgentID = agent
	}
	text := func(name string) string { return string(rd.json(name)) }
	args := json.RawMessage(rd.either(text, "args", "arguments"))
	in.ArgsHash = c.hashOf(rd, "args_hash", args, needs.Has(policy.FieldArgsHash))
	if len(args) == 0 {
		return nil
	}
	if needs.Has(policy.FieldArgs) {
		in.Args = args
	}
	return []place{{"args", values{rd.v.Get("args"), rd.v.Get("arguments")}}}
}

// readResult reads a tool's result, any value.
func (c *call) readResult(rd *reader, in *policy.Input, needs policy.Fields) []place {
	in.Tool = rd.text("tool")
	args := rd.json("args")
	in.ArgsHash = c.hashOf(rd, "args_hash", args, needs.Has(policy.FieldArgsHash))
	if needs.Has(policy.FieldArgs) {
		in.Args = args
	}
	value := rd.json("result")
	in.ResultHash = c.hashOf(rd, "result_hash", value, needs.Has(policy.FieldResultHash))
	if value == nil {
		return nil
	}
	if needs.Has(policy.FieldResult) {
		in.Result = value
	}
	return []place{{"result", values{rd.v.Get("result")}}}
}

// hashOf is the hash of content where it is read, or the one that was sent in
// the member called name. One that is sent beside its content and is not its
// hash is refused.
func (c *call) hashOf(rd *reader, name string, canonical []byte, needed bool) string {
	sent := rd.hash(name)
	if len(canonical) == 0 || sent == "" && !needed && !c.h.cfg.Hashes {
		return sent
	}
	sum := hash(canonical)
	if sent != "" && sent != sum {
		rd.wrong(name, "is not the hash of what was sent with it")
	}
	return sum
}
