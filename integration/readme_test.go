package integration_test

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)\n```")
	assignment   = regexp.MustCompile(`^\$ (\w+)='?(.*?)'?$`)
	curlCommand  = regexp.MustCompile(`^\$ curl -s \$url -H "\$(\w+)" --json '(.*)'$`)
	ownCommand   = regexp.MustCompile(`^\$ (?:echo '(.*)' \| )?headgate (.*)$`)
	volatile     = regexp.MustCompile(`"(ts|id|request_id|prev|policy_sha256|messages_hash)":"[^"]*"|"eval_us":\d+`)
)

// TestReadme runs what the README shows, with Caddyfile.example, and compares
// the answers with those that it prints.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, map[string]string{"Caddyfile": strings.NewReplacer(
		"admin localhost:2019", "admin off",
		"http://:8080", "http://@gate@", "http://:8081", "http://@model@",
		"{$HEADGATE_UPSTREAM:http://127.0.0.1:8081}", "http://@model@",
		"examples/quickstart", filepath.Join(root, "examples", "quickstart"),
		"audit headgate-audit.jsonl", "audit audit.jsonl",
	).Replace(readRoot(t, "Caddyfile.example"))})
	vars := map[string]string{}
	asked, forwarded := 0, 0
	for _, block := range consoleBlock.FindAllStringSubmatch(readRoot(t, "README.md"), -1) {
		first, want, _ := strings.Cut(block[1], "\n")
		switch {
		case assignment.MatchString(first):
			for _, line := range strings.Split(block[1], "\n") {
				if m := assignment.FindStringSubmatch(line); m != nil {
					vars[m[1]] = m[2]
				}
			}
		case curlCommand.MatchString(first):
			asked++
			m := curlCommand.FindStringSubmatch(first)
			got, status := readmeAsk(t, g, vars, m[1], m[2])
			if got != want {
				t.Errorf("%s\n%s", first, cmp.Diff(want, got))
			}
			if status == http.StatusOK {
				forwarded++
			}
			until(t, "the exchange has its outcome", func() bool {
				return strings.Count(string(g.auditBytes(t)), `"kind":"outcome"`) == forwarded
			})
		case strings.HasPrefix(first, "$ sed 's/"):
			readmeAudit(t, g, want)
		case strings.HasPrefix(first, "$ sed -n 4p "):
			line := strings.Split(string(g.auditBytes(t)), "\n")[3]
			if diff := cmp.Diff(volatile.ReplaceAllString(want, "…"), volatile.ReplaceAllString(line, "…")); diff != "" {
				t.Errorf("%s\n%s", first, diff)
			}
		case ownCommand.MatchString(first):
			m := ownCommand.FindStringSubmatch(first)
			cmd := command(t, root, strings.Fields(m[2])...)
			cmd.Stdin = strings.NewReader(m[1])
			got, err := cmd.CombinedOutput()
			if diff := cmp.Diff(want, strings.TrimSpace(string(got))); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", first, err, diff)
			}
		default:
			t.Errorf("nobody checks %q", first)
		}
	}
	if asked < 5 {
		t.Errorf("the README asks %d times", asked)
	}
}

func readmeAsk(t *testing.T, g *gate, vars map[string]string, who, body string) (answer string, status int) {
	t.Helper()
	_, path, _ := strings.Cut(vars["url"], "/")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.addrs["@gate@"]+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	name, value, _ := strings.Cut(vars[who], ": ")
	r.Header.Set(name, value)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(string(got), "\n"), resp.StatusCode
}

// readmeAudit compares the lines as the README's sed command shows them.
func readmeAudit(t *testing.T, g *gate, want string) {
	t.Helper()
	var short []string
	for _, line := range strings.Split(strings.TrimSpace(string(g.auditBytes(t))), "\n") {
		_, line, _ = strings.Cut(line, `"auth":"api_key"},`)
		line, _, _ = strings.Cut(line, `,"id"`)
		short = append(short, line)
	}
	if diff := cmp.Diff(want, strings.Join(short, "\n")); diff != "" {
		t.Errorf("the audit lines\n%s", diff)
	}
}
