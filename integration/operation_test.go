package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPolicyReload: a policy that does not compile leaves the last good one in
// force and says where it is wrong; a good one takes effect, by itself and,
// where the files look as before, upon SIGHUP.
func TestPolicyReload(t *testing.T) {
	t.Parallel()
	g := start(t, map[string]string{
		"policy.rego": openPolicy,
		"Caddyfile":   caddyfile("\tadmin off\n"+gateOptions, sandboxSite),
	})
	decision := func() string {
		text, err := ask(t, g, "/say Yes.")
		if err != nil {
			return "denied: " + err.Message
		}
		return text
	}
	if got := decision(); got != "Yes." {
		t.Fatalf("at the start: %s", got)
	}

	g.write(t, "policy.rego", brokenPolicy)
	until(t, "the log tells of the broken policy", func() bool {
		for line := range strings.Lines(g.stderr.String()) {
			var entry struct{ Level, Msg, Error string }
			if json.Unmarshal([]byte(line), &entry) == nil && strings.HasPrefix(entry.Msg, "policy not reloaded") {
				if entry.Level != "warn" || !strings.HasPrefix(entry.Error, brokenAt) {
					t.Fatalf("the log says %s: %s", entry.Level, entry.Error)
				}
				return true
			}
		}
		return false
	})
	if got := decision(); got != "Yes." {
		t.Errorf("with a broken policy: %s", got)
	}

	g.write(t, "policy.rego", denyAll("closed on Monday"))
	until(t, "the new policy decides", func() bool { return decision() == "denied: closed on Monday" })

	file := filepath.Join(g.dir, "policy.rego")
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	same := filepath.Join(g.dir, "same")
	g.write(t, "same", denyAll("closed on Sunday"))
	if err := errors.Join(os.Chtimes(same, before.ModTime(), before.ModTime()), os.Rename(same, file)); err != nil {
		t.Fatal(err)
	}
	if got := decision(); got != "denied: closed on Monday" {
		t.Errorf("a file that looks as before: %s", got)
	}
	if err := g.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the policy that SIGHUP loads decides", func() bool { return decision() == "denied: closed on Sunday" })
}

// TestNoStart: what is wrong is said once, with its place, and nothing runs.
func TestNoStart(t *testing.T) {
	t.Parallel()
	const good = "{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:0 {\n\theadgate {\n\t\tpolicy policy.rego\n\t\taudit audit.jsonl\n\t}\n}\n"
	for _, c := range []struct{ name, command, caddyfile, policy, want string }{
		{"broken policy", "run", good, brokenPolicy, brokenAt},
		{"broken policy, validated", "validate", good, brokenPolicy, brokenAt},
		{"no policy file", "run", strings.Replace(good, "policy.rego", "none.rego", 1), openPolicy, "none.rego"},
		{"no policy in the folder", "run", strings.Replace(good, "policy.rego", "data", 1), openPolicy, "no .rego file found"},
		{"no policy option", "run", strings.Replace(good, "\t\tpolicy policy.rego\n", "", 1), openPolicy, "Caddyfile:6"},
		{"no such option", "validate", strings.Replace(good, "audit ", "adit ", 1), openPolicy, "Caddyfile:8"},
		{"no such selector", "validate", strings.Replace(good, "audit audit.jsonl", "redact request EMIAL", 1), openPolicy, "Caddyfile:8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			err := errors.Join(
				os.Mkdir(filepath.Join(dir, "data"), 0o700),
				os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(c.caddyfile), 0o600),
				os.WriteFile(filepath.Join(dir, "policy.rego"), []byte(c.policy), 0o600),
			)
			if err != nil {
				t.Fatal(err)
			}
			out, err := command(t, dir, c.command, "--config", "Caddyfile", "--adapter", "caddyfile").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("it did not fail: %v\n%s", err, out)
			}
			var errs []string
			for line := range strings.Lines(string(out)) {
				var entry struct{ Level, Msg string }
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					errs = append(errs, line)
				} else if entry.Level == "error" {
					errs = append(errs, entry.Msg)
				}
			}
			if len(errs) != 1 || strings.Count(errs[0], c.want) != 1 {
				t.Errorf("exit status %d; want one error with %q, got:\n%s", exit.ExitCode(), c.want, strings.Join(errs, "\n"))
			}
			if bytes.Contains(out, []byte("panic")) {
				t.Errorf("a panic:\n%s", out)
			}
		})
	}
}

// TestMetrics: what happened is counted in Caddy's registry, which the admin
// endpoint and the directive metrics both show.
func TestMetrics(t *testing.T) {
	t.Parallel()
	g := start(t, map[string]string{
		"policy.rego": denyAll("not on Fridays") + "\nredact_response contains \"EMAIL\" if input.stage == \"post_chat\"\n",
		"Caddyfile": caddyfile("\tadmin @admin@\n"+gateOptions, `
http://@plain@ {
	headgate {
		policy open.rego {
			timeout 30s
		}
		redact response EMAIL
	}
	reverse_proxy @model@
}
http://@closed@ {
	headgate
	reverse_proxy @model@
}
http://@model@ {
	headgate_sandbox
}
http://@metrics@ {
	metrics
}
`),
		"open.rego": openPolicy,
	})
	if text, err := ask(t, g, "/say Ask alice@example.com or bob@example.com."); err != nil || text != "Ask [EMAIL] or [EMAIL]." {
		t.Fatalf("%q, %v", text, err)
	}
	if text, err := ask(t, g, "/say Ask nobody.\n/call search"); err != nil || text != "Ask nobody." {
		t.Fatalf("%q, %v", text, err)
	}
	for _, url := range []string{"@closed@/v1/chat/completions", "@plain@/v1/no/such/path"} {
		name, path, _ := strings.Cut(url, "/")
		resp, err := http.Post("http://"+g.addrs[name]+"/"+path, "application/json", strings.NewReader(`{"model":"m","messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	want := map[string]string{
		`decisions_total{decision="allow",layer="rego",stage="pre_chat"}`:  "2",
		`decisions_total{decision="deny",layer="rego",stage="pre_chat"}`:   "1",
		`decisions_total{decision="allow",layer="rego",stage="pre_tool"}`:  "1",
		`decisions_total{decision="allow",layer="rego",stage="post_chat"}`: "2",
		`decisions_total{decision="deny",layer="none",stage="request"}`:    "1",
		`refusals_total{code="not_found"}`:                                 "1",
		`refusals_total{code="policy_denied"}`:                             "1",
		`redactions_total{direction="response",entity="EMAIL"}`:            "2",
		`exchanges_total{ended="complete",protocol="openai.chat"}`:         "2",
		`audit_failures_total`: "0",
	}
	for _, url := range []string{"http://" + g.addrs["@admin@"] + "/metrics", "http://" + g.addrs["@metrics@"] + "/"} {
		var got map[string]string
		until(t, "the outcomes are counted", func() bool {
			got = scrape(t, url)
			return got[`exchanges_total{ended="complete",protocol="openai.chat"}`] == "2"
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", url, diff)
		}
	}
}

// scrape reads the counters of ours, without their common prefix and but for
// those that depend on time or on how a model counts its tokens.
func scrape(t *testing.T, url string) map[string]string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, resp.StatusCode, err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line, ours := strings.CutPrefix(strings.TrimSpace(line), "headgate_")
		i := strings.LastIndexByte(line, ' ')
		if ours && i > 0 && !strings.HasPrefix(line, "policy_") && !strings.HasPrefix(line, "tokens_") {
			got[line[:i]] = line[i+1:]
		}
	}
	return got
}

// TestStopInStream: a binary that is told to stop lets a stream come to its
// end, within Caddy's grace_period, and leaves its outcome in the audit log. What
// is not at its end when that time is over, Caddy cuts; such an exchange stays
// without an outcome.
func TestStopInStream(t *testing.T) {
	t.Parallel()
	g := start(t, map[string]string{
		"policy.rego": openPolicy,
		"Caddyfile":   caddyfile("\tadmin off\n"+gateOptions, sandboxSite),
	})
	told := false
	text, id := askStream(t, g, "/say All of this arrives.\n/chunk 2\n/pause 50ms", func(text string) {
		if text == "" || told {
			return
		}
		told = true
		if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	if text != "All of this arrives." || !told {
		t.Errorf("the stream says %q", text)
	}
	g.stop(t)
	if diff := cmp.Diff([]string{"pre_chat allow", "post_chat allow", done}, g.trail(t, []string{id}, 3)); diff != "" {
		t.Errorf("audit (-want +got)\n%s", diff)
	}
}

// TestConfigReload: a stream that began under the old configuration ends under
// it, what begins later is decided by the new one, and both write one log.
func TestConfigReload(t *testing.T) {
	t.Parallel()
	const global = "\tadmin @admin@\n" + gateOptions
	g := start(t, map[string]string{
		"policy.rego": openPolicy,
		"other.rego":  denyAll("closed on Monday"),
		"Caddyfile":   caddyfile(global, sandboxSite),
	})
	reloaded := false
	text, id := askStream(t, g, "/say All of this arrives.\n/chunk 2\n/pause 50ms", func(text string) {
		if text == "" || reloaded {
			return
		}
		reloaded = true
		file := addrName.ReplaceAllStringFunc(caddyfile(strings.Replace(global, "policy.rego", "other.rego", 1), sandboxSite), func(name string) string { return g.addrs[name] })
		g.write(t, "Caddyfile", file)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := command(t, g.dir, "reload", "--config", "Caddyfile", "--adapter", "caddyfile", "--address", g.addrs["@admin@"])
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		until(t, "the new configuration decides", func() bool {
			_, err := ask(t, g, "/say Yes.")
			return err != nil && err.Message == "closed on Monday"
		})
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("reload: %v", err)
			}
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			t.Error("reload did not end")
		}
	})
	if text != "All of this arrives." || !reloaded {
		t.Errorf("the stream says %q", text)
	}
	if diff := cmp.Diff([]string{"pre_chat allow", "post_chat allow", done}, g.trail(t, []string{id}, 3)); diff != "" {
		t.Errorf("audit (-want +got)\n%s", diff)
	}
}
