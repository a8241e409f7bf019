package mcp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// headerSession names a session, in the canonical spelling of net/http.
const headerSession = "Mcp-Session-Id"

// Sessions are the ids in the header of the streamable transport, and in the
// query of the older one's address: SDKs write sessionId, session_id or
// sessionid.
func (codec) Sessions(h http.Header, query url.Values) []string {
	ids := slices.Clone(h[headerSession])
	for name, values := range query {
		if strings.EqualFold(strings.ReplaceAll(name, "_", ""), "sessionid") {
			ids = append(ids, values...)
		}
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}
