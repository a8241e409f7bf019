package pdp_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/headgate/headgate/pdp"
)

// TestDocs: the signature of the documentation's example is the one that is
// asked for, and each of its bodies is understood.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/pdp.md")
	if err != nil {
		t.Fatal(err)
	}
	one := func(expr string) string {
		m := regexp.MustCompile(expr).FindSubmatch(text)
		if m == nil {
			t.Fatalf("nothing like %s", expr)
		}
		return string(m[1])
	}
	key, body, mac := one(`(?m)^KEY='(.*)'$`), one(`(?m)^BODY='(.*)'$`), one(`(?m)^# ([0-9a-f]{64})$`)
	h := handler(t, &rules{}, &book{}, func(c *pdp.Config) { c.Keys, c.Anonymous = [][]byte{[]byte(key)}, false })
	says(t, ask(h, "/pdp/policy", body, "X-ATN-Signature", mac), http.StatusOK, `{"decision":"allow"}`)

	h = handler(t, &rules{}, &book{}, nil)
	commands := regexp.MustCompile(`(?m)^curl -sS http://localhost:8181(\S+) (.*\\\n.*)-d '(.*)'$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) != 3 {
		t.Fatalf("%d commands with a body", len(commands))
	}
	for _, c := range commands {
		var headers []string
		for _, m := range regexp.MustCompile(`-H '([^:]+): ([^']+)'`).FindAllStringSubmatch(c[2], -1) {
			headers = append(headers, m[1], m[2])
		}
		if w := ask(h, c[1], c[3], headers...); w.Code/100 != 2 || strings.Contains(w.Body.String(), "null") {
			t.Errorf("%s: %d %s", c[1], w.Code, w.Body)
		}
	}
}
