package gemini

import (
	"fmt"
	"strings"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// maxTools bounds what a request may offer.
const maxTools = 1024

// readTools reads the functions that the client has, and the tools that Google
// runs.
func (r *request) readTools(v strictjson.Value) error {
	if err := checkList(v, "tools"); err != nil {
		return err
	}
	for i, t := range list(v) {
		path := fmt.Sprintf("tools[%d]", i)
		if err := toolFields.check(t, path); err != nil {
			return err
		}
		for k, m := range t.Members() {
			if m.IsNull() {
				continue
			}
			if err := r.tool(path, camel(k.Str()), m); err != nil {
				return err
			}
		}
	}
	if len(r.tools) > maxTools {
		return read.Wrong("tools", "too many tools")
	}
	return nil
}

func (r *request) tool(path, key string, m strictjson.Value) error {
	path += "." + key
	switch key {
	case "functionDeclarations":
		if err := checkList(m, path); err != nil {
			return err
		}
		for _, f := range list(m) {
			if err := declarationFields.check(f, path); err != nil {
				return err
			}
			if err := r.offer(path, get(f, "name"), "", f); err != nil {
				return err
			}
		}
	case "mcpServers":
		if err := checkList(m, path); err != nil {
			return err
		}
		for _, s := range list(m) {
			if err := mcpFields.check(s, path); err != nil {
				return err
			}
			if err := r.server(path, s); err != nil {
				return err
			}
		}
	default:
		place := wire.Place{List: "tools", Index: len(r.tools), Field: "description"}
		r.tools = append(r.tools, key)
		if key == "fileSearch" {
			if err := storeFields.check(m, path); err != nil {
				return err
			}
			for _, name := range list(get(m, "fileSearchStoreNames")) {
				r.refs = append(r.refs, name.Str())
			}
		}
		r.sink(place, false).walk(m)
	}
	return nil
}

// offer adds a tool by its name, and the words beside it.
func (r *request) offer(path string, name strictjson.Value, prefix string, v strictjson.Value) error {
	if name.Kind() != strictjson.String || name.EqualStr("") {
		return read.Wrong(path+".name", "must be a string")
	}
	place := wire.Place{List: "tools", Index: len(r.tools), Field: "description"}
	r.tools = append(r.tools, prefix+name.Str())
	r.sink(place, false).besides(v, "name", "streamableHttpTransport")
	return nil
}

// server adds an MCP server that Google is asked to call. The credential for
// it is no text.
func (r *request) server(path string, v strictjson.Value) error {
	s := r.sink(wire.Place{List: "tools", Index: len(r.tools), Field: "description"}, false)
	if err := r.offer(path, get(v, "name"), "mcp:", v); err != nil {
		return err
	}
	r.fact("remote_url", "")
	transport := get(v, "streamableHttpTransport")
	s.besides(transport, "headers")
	for k, h := range transport.Get("headers").Members() {
		if !strings.EqualFold(k.Str(), "authorization") {
			s.walk(h)
		}
	}
	return nil
}

// toolConfig reads how functions may be called; its names of functions are no
// text.
func (r *request) toolConfig(v strictjson.Value, s sink) error {
	const path = "toolConfig"
	if err := toolConfigFields.check(v, path); err != nil {
		return err
	}
	s.besides(v, "functionCallingConfig")
	calling := get(v, "functionCallingConfig")
	if !calling.Exists() {
		return nil
	}
	if err := callingFields.check(calling, path); err != nil {
		return err
	}
	if get(calling, "streamFunctionCallArguments").Bool() {
		return read.Wrong(path, "a call's arguments must come whole, not streamed")
	}
	if names := get(calling, "allowedFunctionNames"); names.Exists() && names.Kind() != strictjson.Array {
		return read.Wrong(path, "must be an array")
	}
	s.besides(calling, "allowedFunctionNames")
	return nil
}
