package integration_test

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everythingServer is the server that MCP's SDK for Go is tested with.
const everythingServer = "github.com/modelcontextprotocol/go-sdk/conformance/everything-server"

// TestMCPConformance runs MCP's own conformance suite against a server, and
// against the same server behind a gate whose policy allows everything: with
// the same result, scenario by scenario.
func TestMCPConformance(t *testing.T) {
	t.Parallel()
	suite, err := filepath.Abs(filepath.Join("node", "node_modules", ".bin", "conformance"))
	if err != nil {
		t.Fatal(err)
	}
	needNode(t, "@modelcontextprotocol/conformance")
	server := serveEverything(t)
	front := freeAddr(t)
	_, port, err := net.SplitHostPort(front)
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, map[string]string{
		"policy.rego": openPolicy,
		// Of any host: which ones are refused is the server's affair.
		"Caddyfile": caddyfile(gateOptions, "http://:"+port+" {\n\theadgate\n\treverse_proxy "+server+"\n}\n"),
	})
	listens(t, front)
	var results [2]string
	var wait sync.WaitGroup
	for i, addr := range []string{server, front} {
		wait.Go(func() { results[i] = conformance(t, suite, "http://"+addr+"/mcp") })
	}
	wait.Wait()
	if n := strings.Count(results[0], "\n"); n < 30 || strings.Contains(results[0], "✗") {
		t.Fatalf("%d scenarios without a gate:\n%s", n, results[0])
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Errorf("-without +with a gate:\n%s", diff)
	}
	if lines := g.auditLines(t); len(lines) < 100 {
		t.Errorf("%d lines in the audit", len(lines))
	}
}

// serveEverything builds and starts the server, and gives its address.
func serveEverything(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "everything-server")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", file, everythingServer).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	addr := freeAddr(t)
	cmd := exec.Command(file, "-http", addr, "-stateless=false")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	listens(t, addr)
	return addr
}

// listens waits until an address is listened on.
func listens(t *testing.T, addr string) {
	t.Helper()
	until(t, addr+" is listened on", func() bool {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

var scenario = regexp.MustCompile(`(?m)^[✓✗] .*\n`)

// conformance runs the suite, and gives its summary: a line for each scenario.
func conformance(t *testing.T, suite, url string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, suite, "server", "--url", url, "--output-dir", t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run() // it fails where a scenario does
	_, summary, ok := strings.Cut(out.String(), "=== SUMMARY ===")
	if !ok {
		said := out.String()
		t.Errorf("the suite did not end: %v\n%s", err, said[max(0, len(said)-2000):])
	}
	return strings.Join(scenario.FindAllString(summary, -1), "")
}
