package enforce_test

import (
	"strings"
	"testing"
)

// TestQuery: what a query could say beside the body is refused; a list is
// written with brackets.
func TestQuery(t *testing.T) {
	for _, tt := range []struct {
		query  string
		reason string // "" where it passes
	}{
		{"", ""},
		{"api-version=2024-10-21", ""},
		{"include[]=a&include[]=b", ""},
		{"include%5B%5D=a&include%5B%5D=b", ""},
		{"a=1&a=2", "a query parameter is repeated"},
		{"model=x", "the query names a model"},
		{"Model=x", "the query names a model"},
		{"model[]=x&model[]=y", "the query names a model"},
		{"a=%zz", "the query cannot be read"},
		{"a=1;b=2", "the query cannot be read"},
	} {
		r := chatRequest(plain)
		r.URL.RawQuery = tt.query
		w := exchange(gate(t, rules{}, &book{}, nil), r, saysOK)
		if (w.Code == 200) != (tt.reason == "") || !strings.Contains(w.Body.String(), tt.reason) {
			t.Errorf("%q: %d %s", tt.query, w.Code, w.Body)
		}
	}
}
