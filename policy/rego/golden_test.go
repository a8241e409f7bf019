package rego_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden tells each case in one file: the policy's files, the inputs
// (<name>.json), optionally the configuration (config.json), and what came of
// them: how the files were read, the table of stages, the warnings and the
// decisions, or the error.
func TestGolden(t *testing.T) {
	golden(t, "testdata/*.txtar", story)
}

// golden runs the cases of a pattern and compares what they tell with their
// last file, want.
func golden(t *testing.T, pattern string, story func(*testing.T, *txtar.Archive) string) {
	cases, err := filepath.Glob(pattern)
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := story(t, ar)
			if last := ar.Files[len(ar.Files)-1]; last.Name != "want" {
				ar.Files = append(ar.Files, txtar.File{Name: "want"})
			}
			last := &ar.Files[len(ar.Files)-1]
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// story runs one case.
func story(t *testing.T, ar *txtar.Archive) string {
	dir := t.TempDir()
	config := rego.Config{Paths: []string{dir}, Timeout: 5 * time.Second}
	var inputs []txtar.File
	for _, f := range ar.Files {
		switch {
		case f.Name == "config.json":
			decode(t, f.Data, &config)
		case strings.HasSuffix(f.Name, ".json"):
			inputs = append(inputs, f)
		case f.Name != "want":
			writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
		}
	}
	src, err := rego.Open(context.Background(), config)
	if err != nil {
		return strings.ReplaceAll("error:\n"+err.Error(), dir+"/", "") + "\n"
	}
	var out strings.Builder
	p := src.Policy()
	for _, f := range p.Files() {
		fmt.Fprintf(&out, "%s is %s\n", f.Path, f.Version)
	}
	for _, row := range p.Table() {
		var surfaces []string
		for _, s := range row.Surfaces {
			surfaces = append(surfaces, strings.TrimPrefix(s.Path, "data."))
		}
		covered := "covered"
		if !row.Covered {
			covered = "not covered"
		}
		fmt.Fprintf(&out, "%-9s %s by [%s], needs %s\n", row.Stage, covered, strings.Join(surfaces, " "), p.Needs(row.Stage))
	}
	for _, w := range p.Warnings() {
		fmt.Fprintf(&out, "%s:%d:%d: warning: %s\n", w.File, w.Line, w.Col, w.Message)
	}
	for _, f := range inputs {
		var in input
		decode(t, f.Data, &in)
		fmt.Fprintf(&out, "%s: %s\n", strings.TrimSuffix(f.Name, ".json"), show(p.Decide(context.Background(), in.policy())))
	}
	return strings.ReplaceAll(out.String(), dir+"/", "")
}

// show writes a decision in one line.
func show(d policy.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q layer=%s", d.Action, d.Reason, d.Layer)
	if d.NoAnswer {
		b.WriteString(" no-answer")
	}
	if d.ForceModel != "" {
		fmt.Fprintf(&b, " model=%s", d.ForceModel)
	}
	if len(d.Approvals) > 0 {
		fmt.Fprintf(&b, " approvals=%q", d.Approvals)
	}
	if len(d.Redact) > 0 {
		fmt.Fprintf(&b, " redact=%+v", d.Redact)
	}
	if len(d.HideTools) > 0 {
		fmt.Fprintf(&b, " hide=%q", d.HideTools)
	}
	if d.Detail != "" {
		fmt.Fprintf(&b, " (%s)", d.Detail)
	}
	return b.String()
}

// input is a test's input, in the names of the contract.
type input struct {
	Stage     policy.Stage
	Principal struct {
		TenantID string `json:"tenant_id"`
		UserID   string `json:"user_id"`
		Roles    []string
		AgentID  string `json:"agent_id"`
		Auth     string
		Claims   map[string]any
	}
	Request struct {
		ID, Protocol, Endpoint, Host string
		RemoteIP                     string `json:"remote_ip"`
		Stream                       bool
		Time                         time.Time
		Headers                      map[string]string
	}
	Server, Model, Tool string
	Tools               []string
	MessagesHash        string `json:"messages_hash"`
	ArgsHash            string `json:"args_hash"`
	ResponseHash        string `json:"response_hash"`
	ResultHash          string `json:"result_hash"`
	Messages            json.RawMessage
	Args                json.RawMessage
	Response            json.RawMessage
	Result              json.RawMessage
	Findings            []policy.Finding
	Unscanned           []string
	InitiatorAgentID    string `json:"initiator_agent_id"`
	TargetAgentID       string `json:"target_agent_id"`
	InitiatorOrgID      string `json:"initiator_org_id"`
	TargetOrgID         string `json:"target_org_id"`
	SessionContext      string `json:"session_context"`
	Capabilities        []string
}

func (in *input) policy() *policy.Input {
	return &policy.Input{
		Stage: in.Stage, Principal: policy.Principal(in.Principal), Request: policy.Request(in.Request),
		Server: in.Server, Model: in.Model, Tool: in.Tool, Tools: in.Tools,
		MessagesHash: in.MessagesHash, ArgsHash: in.ArgsHash, ResponseHash: in.ResponseHash, ResultHash: in.ResultHash,
		Messages: in.Messages, Args: in.Args, Response: in.Response, Result: in.Result,
		Findings: in.Findings, Unscanned: in.Unscanned,
		Session: policy.SessionRequest{
			InitiatorAgentID: in.InitiatorAgentID, TargetAgentID: in.TargetAgentID,
			InitiatorOrgID: in.InitiatorOrgID, TargetOrgID: in.TargetOrgID,
			Context: in.SessionContext, Capabilities: in.Capabilities,
		},
	}
}

func decode(t testing.TB, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}
