package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/audit"
)

// patience is how long a condition is waited for, and how long the binary may
// take to start and to stop.
const patience = 30 * time.Second

// secret stands in every prompt that the tests send. Nothing that the binary
// writes may hold it.
const secret = "hush-7431"

var binaryDir string

// binary builds the binary, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "headgate-integration-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	file := filepath.Join(dir, "headgate")
	args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", file} // without what debuggers read, it links faster
	if raceDetector {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, module+"/cmd/headgate")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binaryDir != "" {
		_ = os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// command is the binary with arguments, in dir, where it also keeps its own
// files.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir+"/data", "XDG_CONFIG_HOME="+dir+"/config")
	return cmd
}

// options begin every Caddyfile here. Everything is logged, so that nothing
// that must not be logged can hide behind a level.
const options = `	default_bind 127.0.0.1
	auto_https off
	persist_config off
	grace_period 20s
	debug
`

var debugLine = regexp.MustCompile(`(?m)^\{"level":"debug".*\n`)

var addrName = regexp.MustCompile(`@\w+@`)

var ports struct {
	sync.Mutex
	taken map[string]bool
}

// freeAddr is a port of 127.0.0.1 that nobody listens on and that no other test
// of this run was given. It is below the ports that systems give to outgoing
// connections, one of which could otherwise take it in the meantime.
func freeAddr(t *testing.T) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if ports.taken[addr] {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			if ports.taken == nil {
				ports.taken = map[string]bool{}
			}
			ports.taken[addr] = true
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// output is what a process writes, readable while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// gate is one run of the binary.
type gate struct {
	dir    string
	addrs  map[string]string // of the names between @ in the Caddyfile
	stderr output
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended, with err
	err    error
	once   sync.Once
}

// start runs the binary with a folder of files, one of which is its Caddyfile.
// In that, @name@ is an address, the same for the same name; it is listened on
// when start returns. The audit log is audit.jsonl. When the test ends, the
// binary is stopped and checked, see [gate.stop].
func start(t *testing.T, files map[string]string) *gate {
	t.Helper()
	g := &gate{dir: t.TempDir(), addrs: map[string]string{}, ended: make(chan struct{})}
	for name, text := range files {
		if name == "Caddyfile" {
			text = addrName.ReplaceAllStringFunc(text, func(name string) string {
				if g.addrs[name] == "" {
					g.addrs[name] = freeAddr(t)
				}
				return g.addrs[name]
			})
		}
		g.write(t, name, text)
	}
	g.cmd = command(t, g.dir, "run", "--config", "Caddyfile", "--adapter", "caddyfile")
	g.cmd.Stdout, g.cmd.Stderr = &g.stderr, &g.stderr
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		g.err = g.cmd.Wait()
		close(g.ended)
	}()
	t.Cleanup(func() { g.stop(t) })
	for name, addr := range g.addrs {
		until(t, name+" is listened on", func() bool {
			select {
			case <-g.ended:
				t.Fatalf("the binary ended: %v\n%s", g.err, &g.stderr)
			default:
			}
			conn, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
	}
	return g
}

// write puts a file into the binary's folder, whole or not at all.
func (g *gate) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(g.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// stop ends the binary as a service manager does, and checks that it ends well,
// that its log holds no panic, no data race and no secret, and that the audit
// log is a whole chain without secrets.
func (g *gate) stop(t *testing.T) {
	t.Helper()
	g.once.Do(func() {
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-g.ended:
		case <-time.After(patience):
			_ = g.cmd.Process.Kill()
			<-g.ended
			t.Error("the binary did not end upon SIGTERM")
		}
		log := g.stderr.String()
		if g.err != nil {
			t.Errorf("the binary ended: %v", g.err)
		}
		for _, bad := range []string{"panic", "DATA RACE", "fatal error", secret} {
			if strings.Contains(log, bad) {
				t.Errorf("the log holds %q", bad)
			}
		}
		lines := g.auditBytes(t)
		if _, err := audit.Verify(bytes.NewReader(lines), audit.Head{}); err != nil {
			t.Error(err)
		}
		if bytes.Contains(lines, []byte(secret)) {
			t.Errorf("the audit log holds %q", secret)
		}
		if t.Failed() {
			t.Logf("the binary's log, but for debugging:\n%s", debugLine.ReplaceAllString(log, ""))
		}
	})
}

// auditLine is what the tests read of a line of the audit log.
type auditLine struct {
	Principal struct {
		TenantID string `json:"tenant_id"`
		UserID   string `json:"user_id"`
	}
	Stage, Tool, Decision, Reason, Kind, Ended string

	ForcedModel string `json:"forced_model"`
	RequestID   string `json:"request_id"`
	Status      int
	Redactions  map[string]int
}

// String is the line in short: "pre_tool shell_exec deny: not today",
// "outcome 200 complete {EMAIL:1}".
func (l auditLine) String() string {
	words := []string{l.Stage, l.Tool, l.Decision}
	if l.Kind != "" {
		words = []string{l.Kind, fmt.Sprint(l.Status), l.Ended}
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if l.ForcedModel != "" {
		words = append(words, l.ForcedModel)
	}
	if len(l.Redactions) > 0 {
		words = append(words, strings.TrimPrefix(fmt.Sprint(l.Redactions), "map"))
	}
	if l.Principal.TenantID != "" {
		words = append(words, "by "+l.Principal.TenantID+"/"+l.Principal.UserID)
	}
	s := strings.Join(words, " ")
	if l.Reason != "" {
		s += ": " + l.Reason
	}
	return s
}

func (g *gate) auditBytes(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g.dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// auditLines reads the whole lines of the audit log.
func (g *gate) auditLines(t *testing.T) []auditLine {
	t.Helper()
	var lines []auditLine
	for line := range bytes.Lines(g.auditBytes(t)) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // being written
		}
		var l auditLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// trail is what the audit log has of some requests, request by request. Since
// the last line of an exchange comes after the client's answer, it waits for n
// lines, and gives what there is when they do not come.
func (g *gate) trail(t *testing.T, requests []string, n int) []string {
	t.Helper()
	var got []string
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got = nil
		lines := g.auditLines(t)
		for _, id := range requests {
			for _, l := range lines {
				if l.RequestID == id {
					got = append(got, l.String())
				}
			}
		}
		if len(got) >= n || time.Now().After(end) {
			return got
		}
	}
}

const (
	openPolicy   = "package headgate\n\ndefault allow := true\n"
	brokenPolicy = "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if no_such_function(input)\n"
	brokenAt     = "policy.rego:5:22: " // where no_such_function stands
)

func denyAll(reason string) string {
	return openPolicy + fmt.Sprintf("\ndeny contains %q if input.stage == \"pre_chat\"\n", reason)
}

// sandboxSite is a gate before the binary's own stand-in for a model.
const sandboxSite = `
http://@plain@ {
	headgate
	reverse_proxy @model@ {
		header_up Host {upstream_hostport}
	}
}
http://@model@ {
	headgate_sandbox
}
`

// gateOptions is the global block of the gate. Nothing here waits for a policy's
// time-out: a machine may be slow.
const gateOptions = "\theadgate {\n\t\tpolicy policy.rego {\n\t\t\ttimeout 30s\n\t\t}\n\t\taudit audit.jsonl\n\t}\n"

func caddyfile(global, sites string) string {
	return "{\n" + options + global + "}\n" + sites
}
