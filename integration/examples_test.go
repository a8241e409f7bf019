package integration_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// example is a folder of examples/, and what its README's commands leave in the
// audit log: the decisions in order, but for replies that are allowed.
type example struct {
	name    string
	console string // commands and answers, where the README has none
	want    []string
}

var examples = []example{
	{name: "cross-org-sessions", want: []string{"session allow", "session deny", "session deny"}},
	{name: "default-deny", want: []string{"pre_chat allow", "pre_tool read_file allow", "pre_tool shell_exec deny", "pre_chat deny"}},
	{name: "http-tool", want: []string{
		"pre_tool tickets.update redact_args", "post_tool tickets.update redact_result",
		"pre_tool tickets.update deny", "pre_tool tickets.update deny",
	}},
	{name: "limits", want: []string{"pre_chat allow", "pre_chat force_model", "pre_chat deny"}},
	{name: "local-model-for-pii", want: []string{"pre_chat allow", "pre_chat force_model", "pre_chat deny"}},
	{name: "mcp-allowlist", want: []string{
		"pre_chat allow", "pre_tool mcp__github__create_issue allow",
		"pre_chat hide_tools",
		"pre_chat allow", "pre_tool mcp__github__create_issue deny",
	}},
	{name: "mcp-gate", want: []string{
		"request allow",
		"pre_tool lookup deny",
		"pre_tool lookup allow", "post_tool lookup redact_result",
		"pre_tool resources/read deny",
		"pre_tool resources/read allow", "post_tool resources/read allow",
	}},
	{name: "migration", want: []string{
		"pre_chat allow", "pre_tool deploy deny", "pre_tool shell_exec deny", "pre_tool search allow",
		"pre_chat allow", "pre_tool deploy allow", "pre_tool shell_exec allow",
	}},
	{name: "model-allowlist", want: []string{"pre_chat allow", "pre_chat deny"}},
	{name: "quickstart", console: quickstartConsole, want: []string{
		"pre_chat allow", "pre_tool shell_exec deny",
		"pre_chat allow", "pre_tool shell_exec allow",
		"pre_chat force_model",
	}},
	{name: "redaction", console: redactionConsole, want: []string{
		"pre_chat allow", "pre_chat redact_messages", "pre_chat allow", "post_chat redact_response",
	}},
	{name: "redaction-by-direction", want: []string{
		"pre_chat redact_messages", "post_chat redact_response", // its selectors are always there
		"pre_chat redact_messages", "post_chat redact_response",
		"pre_chat redact_messages", "post_chat redact_response",
		"pre_chat redact_messages", "post_chat redact_response", "pre_tool post_note redact_args",
	}},
	{name: "responses-and-messages", want: []string{
		"pre_chat deny", "pre_chat deny", "pre_chat deny", "pre_chat deny",
		"pre_chat allow", "pre_tool delete_account deny",
	}},
	{name: "seeds", console: seedsConsole, want: []string{
		"pre_chat allow", "pre_tool sanctions_lookup allow", "pre_tool treasury_wire deny",
		"pre_chat force_model",
	}},
	{name: "tool-guard", want: []string{
		"pre_chat allow", "pre_tool shell_exec allow",
		"pre_chat allow", "pre_tool shell_exec deny", "pre_tool sql_query deny",
	}},
	{name: "wire-transfers", want: []string{
		"pre_chat allow", "pre_tool wire_transfer allow",
		"pre_chat allow", "pre_tool wire_transfer deny",
	}},
}

// The READMEs of these three show no commands.
const fence = "```"

const quickstartConsole = fence + `console
$ url=localhost:8080/v1/chat/completions
$ alice='Authorization: Bearer demo-alice-0123456789abcdef'
$ root='Authorization: Bearer demo-root-0123456789abcdefg'
$ bob='Authorization: Bearer demo-bob-0123456789abcdefgh'
` + fence + `
` + fence + `console
$ curl -s $url -H "$alice" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"/call shell_exec {}"}]}'
{"id":"chatcmpl-e42977d3523af7bb9c8237d1","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"tool ` + "`" + `shell_exec` + "`" + `: shell_exec requires admin (tenant acme)","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
` + fence + `console
$ curl -s $url -H "$root" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"/call shell_exec {}"}]}'
{"id":"chatcmpl-e42977d3523af7bb9c8237d1","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_0d56fde101c963fb578fae78","type":"function","function":{"name":"shell_exec","arguments":"{}"}}],"annotations":[]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
` + fence + `console
$ curl -s $url -H "$bob" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}'
{"id":"chatcmpl-3da6da474e7773516d133411","object":"chat.completion","created":1767225600,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"You said: Hello","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
`

const redactionConsole = fence + `console
$ url=localhost:8080/v1/chat/completions
$ anyone='Authorization: Bearer sk-own'
` + fence + `
` + fence + `console
$ curl -s $url -H "$anyone" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}'
{"id":"chatcmpl-32b417167ac89a4a2469d959","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"You said: Hello","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
` + fence + `console
$ curl -s $url -H "$anyone" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"Mail ada@example.com"}]}'
{"id":"chatcmpl-2035e4f9cfe90820078e7474","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"You said: Mail [EMAIL]","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
` + fence + `console
$ curl -s $url -H "$anyone" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"/say See INT-123456"}]}'
{"id":"chatcmpl-531c2f4d305e2542df063dd3","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"See **********","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":3,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
`

const seedsConsole = fence + `console
$ url=localhost:8080/v1/chat/completions
$ kyc='Authorization: Bearer demo-kyc-0123456789abcdefgh'
$ free='Authorization: Bearer demo-free-0123456789abcdefg'
` + fence + `
` + fence + `console
$ curl -s $url -H "$kyc" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"/call sanctions_lookup {}\n/call treasury_wire {}"}]}'
{"id":"chatcmpl-ff8cf4c6c9dc2a7bf410e900","object":"chat.completion","created":1767225600,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"tool ` + "`" + `treasury_wire` + "`" + `: agent orga::kyc-screener is not authorised to call tool treasury_wire","refusal":null,"tool_calls":[{"id":"call_8c40c0ee925398124f1f0533","type":"function","function":{"name":"sanctions_lookup","arguments":"{}"}}],"annotations":[]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
` + fence + `console
$ curl -s $url -H "$free" --json '{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}'
{"id":"chatcmpl-4c9ea09f359aab06dc303095","object":"chat.completion","created":1767225600,"model":"gpt-3.5-turbo","choices":[{"index":0,"message":{"role":"assistant","content":"You said: Hello","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"service_tier":"default","system_fingerprint":"fp_sandbox"}
` + fence + `
`

// TestExamples runs what each example's README shows, with its Caddyfile, and
// compares the answers with those that it prints and the decisions with those
// that are meant.
func TestExamples(t *testing.T) {
	t.Parallel()
	played := map[string]bool{}
	for _, x := range examples {
		played[x.name] = true
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := exampleDir(t, x.name)
			g := start(t, map[string]string{"Caddyfile": exampleCaddyfile(t, dir)})
			vars, asked := map[string]string{}, 0
			for _, block := range consoleBlock.FindAllStringSubmatch(cmp.Or(x.console, readFile(t, dir, "README.md")), -1) {
				first, want, _ := strings.Cut(block[1], "\n")
				switch {
				case assignment.MatchString(first):
					for line := range strings.Lines(block[1]) {
						if m := assignment.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
							vars[m[1]] = m[2]
						}
					}
				case curlCommand.MatchString(first):
					asked++
					m := curlCommand.FindStringSubmatch(first)
					got, status := readmeAsk(t, g, vars, m[1], m[2])
					if got != want || !slices.Contains([]int{http.StatusOK, http.StatusForbidden, http.StatusBadRequest}, status) {
						t.Errorf("%s\nstatus %d\n%s", first, status, gocmp.Diff(want, got))
					}
				default:
					t.Errorf("nobody checks %q", first)
				}
			}
			if asked < 2 {
				t.Errorf("it asks %d times", asked)
			}
			if diff := gocmp.Diff(x.want, decisions(t, g)); diff != "" {
				t.Errorf("decisions (-want +got)\n%s", diff)
			}
		})
	}
	for _, name := range exampleNames(t) {
		if !played[name] {
			t.Errorf("nobody plays %s", name)
		}
	}
}

// decisions are those of the audit log, but for replies that are allowed.
func decisions(t *testing.T, g *gate) []string {
	t.Helper()
	var got []string
	for _, l := range g.auditLines(t) {
		if l.Kind == "" && !(l.Stage == "post_chat" && l.Decision == "allow") {
			got = append(got, strings.Join(slices.DeleteFunc([]string{l.Stage, l.Tool, l.Decision}, func(w string) bool { return w == "" }), " "))
		}
	}
	return got
}

// TestExamplePolicies runs the policies' own tests, as the READMEs say.
func TestExamplePolicies(t *testing.T) {
	t.Parallel()
	for _, name := range exampleNames(t) {
		dir := exampleDir(t, name)
		if tests, err := filepath.Glob(filepath.Join(dir, "policies", "*_test.rego")); err != nil || len(tests) == 0 {
			continue // TestExampleFolders says whether there has to be one
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir() // the binary keeps its own files in the folder
			if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if out, err := command(t, work, "policy", "test", "policies/").CombinedOutput(); err != nil {
				t.Errorf("headgate policy test: %v\n%s", err, out)
			}
		})
	}
}

// notRules are the lines of a policy that decide nothing by themselves.
var notRules = regexp.MustCompile(`(?m)^(#.*|package .*|import .*|default .*|\s*)$`)

// TestExampleFolders: each example has what somebody who copies it needs, and a
// policy with rules has tests.
func TestExampleFolders(t *testing.T) {
	names := exampleNames(t)
	if len(names) < 10 {
		t.Errorf("only %d examples: %v", len(names), names)
	}
	for _, name := range names {
		dir, policies := exampleDir(t, name), 0
		if !strings.Contains(readFile(t, dir, "Caddyfile"), "headgate") {
			t.Errorf("%s: its Caddyfile governs nothing", name)
		}
		readme := readFile(t, dir, "README.md")
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".rego" || strings.HasSuffix(path, "_test.rego") {
				return err
			}
			policies++
			if name == "seeds" || strings.TrimSpace(notRules.ReplaceAllString(readFile(t, path), "")) == "" {
				return nil // seeds holds the policies of others as they are; policy/rego tests them
			}
			tests, err := os.ReadFile(strings.TrimSuffix(path, ".rego") + "_test.rego")
			if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.Contains(string(tests), "\ntest_") {
				t.Errorf("%s has rules and no tests", path)
				return nil
			}
			if name != "quickstart" && !strings.Contains(readme, "headgate policy test policies/") {
				t.Errorf("%s: the README does not say how to test it", name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if policies == 0 {
			t.Errorf("%s has no policy", name)
		}
	}
}

// exampleNames lists the folders of examples/.
func exampleNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func exampleDir(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fileWord   = regexp.MustCompile(`(?m)^(\t+(?:policy|data|api_keys) )(\S+)`)
	policyWord = regexp.MustCompile(`(?m)^(\t+)policy (\S+)( \{)?$`)
)

// exampleCaddyfile is an example's Caddyfile with addresses of this run, with
// the files of its folder and the variables of its .env.example, an audit log
// where the tests look for it, and a time-out that no machine is too slow for.
func exampleCaddyfile(t *testing.T, dir string) string {
	t.Helper()
	text := readFile(t, dir, "Caddyfile")
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	text = fileWord.ReplaceAllString(text, "${1}"+dir+"/$2")
	text = policyWord.ReplaceAllStringFunc(text, func(line string) string {
		m := policyWord.FindStringSubmatch(line)
		block := fmt.Sprintf("%spolicy %s {\n%s\ttimeout 30s", m[1], m[2], m[1])
		if m[3] == "" {
			block += "\n" + m[1] + "}"
		}
		return block
	})
	if !strings.Contains(text, "\taudit audit.jsonl\n") {
		text = strings.Replace(text, "\theadgate {\n", "\theadgate {\n\t\taudit audit.jsonl\n", 1)
	}
	replace := []string{"http://:8080", "http://@gate@", "\n:8080", "\nhttp://@gate@", "http://:8081", "http://@model@", "127.0.0.1:8081", "@model@"}
	if env, err := os.ReadFile(filepath.Join(dir, ".env.example")); err == nil {
		for line := range strings.Lines(string(env)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
				t.Fatal(err)
			}
			replace = append(replace, "{env."+name+"}", "{file."+file+"}")
		}
	}
	global := "{\n" + options + "\tadmin off\n"
	rest, has := strings.CutPrefix(text, "{\n")
	if !has {
		global += "}\n"
	}
	return strings.NewReplacer(replace...).Replace(global + rest)
}
