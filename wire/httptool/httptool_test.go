package httptool_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/httptool"
)

// codec is that of the tool "t" at a path.
func codec(t testing.TB) wire.ToolCodec {
	t.Helper()
	e := httptool.Dialect{Tools: []httptool.Tool{{Pattern: "/a/{id}", Name: "t"}}}.Endpoints()
	c, ok := e[0].Codec.(wire.ToolCodec)
	if !ok || len(e) != 5 {
		t.Fatalf("%d endpoints, %T", len(e), e[0].Codec)
	}
	return c
}

func incoming(id, query, media, body string) wire.Incoming {
	q, _ := url.ParseQuery(query)
	in := wire.Incoming{Query: q, Header: http.Header{"Content-Type": {media}}, Body: []byte(body)}
	if id != "" {
		in.Params = wire.Params{"id": id}
	}
	return in
}

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// TestCall: the arguments of path, query and body are one object, and a name in
// two places is refused.
func TestCall(t *testing.T) {
	for _, tt := range []struct {
		name, id, query, media, body string
		want                         string // "" where the request is refused
	}{
		{"nothing", "", "", "", "", `{}`},
		{"the path", "7", "", "", "", `{"id":"7"}`},
		{"the query", "", "q=a%20b&n=1", "", "", `{"n":"1","q":"a b"}`},
		{"an object", "7", "q=x", mediaJSON, `{"n":1,"deep":{"b":[true]}}`, `{"deep":{"b":[true]},"id":"7","n":1,"q":"x"}`},
		{"a form", "7", "", mediaForm, `a=b+c&d=%C3%A9`, `{"a":"b c","d":"é","id":"7"}`},
		{"path and query", "7", "id=8", "", "", ""},
		{"path and body", "7", "", mediaJSON, `{"id":"8"}`, ""},
		{"path and body, escaped", "7", "", mediaJSON, `{"\u0069d":"8"}`, ""},
		{"query and form", "", "a=1", mediaForm, "a=2", ""},
		{"a form with a name twice", "", "", mediaForm, "a=1&a=2", ""},
		{"a form that cannot be read", "", "", mediaForm, "a=%zz", ""},
		{"a query that is not UTF-8", "", "a=%ff", "", "", ""},
		{"a form that is not UTF-8", "", "", mediaForm, "%fe=a", ""},
		{"path and body, in another case", "7", "", mediaJSON, `{"ID":"8"}`, ""},
		{"a query with a name in two cases", "", "cmd=ls&CMD=rm", "", "", ""},
		{"a form that ends in a line break", "", "", mediaForm, "a=b\n", `{"a":"b\n"}`},
		{"a list", "", "", mediaJSON, `[]`, ""},
		{"no JSON", "", "", mediaJSON, `{`, ""},
		{"a key twice", "", "", mediaJSON, `{"a":1,"a":2}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := codec(t).Call(incoming(tt.id, tt.query, tt.media, tt.body))
			if (err != nil) != (tt.want == "") {
				t.Fatal(err)
			}
			if err == nil && (string(r.Call().Args) != tt.want || r.Call().Name != "t") {
				t.Errorf("%s", r.Call().Args)
			}
		})
	}
}

// TestEditedCall: each argument is changed where it stands, and what is not
// changed stays as it was.
func TestEditedCall(t *testing.T) {
	edit := func(in wire.Incoming, from, to string) *wire.EditedRequest {
		t.Helper()
		r, err := codec(t).Call(in)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Edited([]byte(strings.ReplaceAll(string(r.Doc()), from, to)))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	body := `{ "b" : "x", "c":[1.0 , "y"]}`
	if e := edit(incoming("p", "q=z", mediaJSON, body), "x", "E"); string(e.Body) != `{ "b" : "E", "c":[1.0 , "y"]}` || e.Params["id"] != "p" || e.Query.Get("q") != "z" {
		t.Errorf("%s %v", e.Body, e)
	}
	if e := edit(incoming("p", "q=z", mediaJSON, body), `"z"`, `"E F"`); string(e.Body) != body || e.Query.Encode() != "q=E+F" {
		t.Errorf("%s %v", e.Body, e)
	}
	if e := edit(incoming("p", "", "", ""), `"p"`, `"E"`); e.Params["id"] != "E" || len(e.Body) != 0 {
		t.Errorf("%v", e)
	}
	if e := edit(incoming("p", "", mediaForm, "b=x&a=1%202"), `"x"`, `"E"`); string(e.Body) != "a=1+2&b=E" {
		t.Errorf("%s", e.Body)
	}
	if e := edit(incoming("p", "", mediaForm, "b=x&a=1%202"), `"p"`, `"E"`); string(e.Body) != "b=x&a=1%202" || e.Params["id"] != "E" {
		t.Errorf("%s", e.Body)
	}
}

// TestResult: what policies see of a reply.
func TestResult(t *testing.T) {
	for _, tt := range []struct {
		name, media, body string
		value             string // "" where the reply is not understood
		facts             []string
		texts             int
	}{
		{"nothing", "", "", "null", nil, 0},
		{"an object", mediaJSON, `{"b":"x","a":["y"]}`, `{"a":["y"],"b":"x"}`, nil, 2},
		{"another JSON", "application/problem+json", `"x"`, `"x"`, nil, 1},
		{"no JSON", mediaJSON, `{`, "", nil, 0},
		{"a text", "text/plain", "a \"b\"\n", `"a \"b\"\n"`, nil, 1},
		{"a page", "text/html", "<p>a</p>", `"<p>a</p>"`, nil, 1},
		{"XML", "application/xml", "<a/>", `"<a/>"`, nil, 1},
		{"a text of bytes", "text/plain", "\xff", "", nil, 0},
		{"an image", "image/png", "\x89PNG", "null", []string{"image"}, 0},
		{"a sound", "audio/wav", "RIFF", "null", []string{"audio"}, 0},
		{"bytes", "application/octet-stream", "\x00", "null", []string{"binary"}, 0},
		{"who knows", "", "x", "null", []string{"binary"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := codec(t).Result(tt.media, []byte(tt.body))
			if (err != nil) != (tt.value == "") {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			res := r.Result()
			if string(res.Value) != tt.value || !slices.Equal(res.Unscanned, tt.facts) || len(res.Texts) != tt.texts {
				t.Errorf("%s %q %d", res.Value, res.Unscanned, len(res.Texts))
			}
			if len(res.Unscanned) == 0 && tt.body != "" {
				if out, err := r.Edited(r.Doc()); err != nil || string(out) != tt.body {
					t.Errorf("%q, %v", out, err)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for code, want := range map[wire.Code]struct {
		status int
		kind   string
	}{
		wire.CodePolicyDenied: {403, "policy_denied"}, wire.CodeInvalidRequest: {400, "invalid_request_error"},
		wire.CodeAuthentication: {401, "authentication_error"}, wire.CodeUpstream: {502, "upstream_error"},
	} {
		status, body := httptool.Dialect{}.Refuse(wire.Refusal{Code: code, Reason: `"`})
		var e struct {
			Error struct{ Message, Type, Code string }
		}
		if err := json.Unmarshal(body, &e); err != nil || status != want.status || e.Error.Type != want.kind || e.Error.Message != `"` || e.Error.Code != string(code) {
			t.Errorf("%d %s, %v", status, body, err)
		}
	}
}

// FuzzCall: no panic; what was read is read again from the request that it is
// put back into.
func FuzzCall(f *testing.F) {
	f.Add("7", "a=b", true, []byte(`{"x":"y"}`))
	f.Add("", "", false, []byte(`a=b&c=d`))
	f.Fuzz(func(t *testing.T, id, query string, isJSON bool, body []byte) {
		media := mediaForm
		if isJSON {
			media = mediaJSON
		}
		in := incoming(id, query, media, string(body))
		r, err := codec(t).Call(in)
		if err != nil {
			return
		}
		e, err := r.Edited(r.Doc())
		if err != nil {
			t.Fatal(err)
		}
		again, err := codec(t).Call(wire.Incoming{Params: e.Params, Query: e.Query, Header: in.Header, Body: e.Body})
		if err != nil || string(again.Call().Args) != string(r.Call().Args) {
			t.Fatalf("%s, then %v", r.Call().Args, err)
		}
	})
}
