package mcp_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/wire/mcp"
)

// BenchmarkHostileCopies reads a result whose structured content has many
// strings that its long text might hold.
func BenchmarkHostileCopies(b *testing.B) {
	body := []byte(`{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"` + strings.Repeat("ab", 1<<20) + `"}],"structuredContent":[` +
		strings.Repeat(`"bb",`, 1<<17) + `"x"]}}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := (mcp.Messages{}).Server(body, nil); err != nil {
			b.Fatal(err)
		}
	}
}
