package httptool

import (
	"bytes"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/read"
	"github.com/headgate/headgate/wire/strictjson"
)

// origin is where in a request an argument stands.
type origin int

const (
	inPath origin = iota
	inQuery
	inForm
	inBody
)

// call is a call as a request holds it.
type call struct {
	wire.ToolCall
	in   wire.Incoming
	doc  []byte
	from map[string]origin
	// taken are the names, in lower case.
	taken map[string]bool
	form  url.Values
}

// Call reads a request.
func (c codec) Call(in wire.Incoming) (wire.ToolRequest, error) {
	r := &call{ToolCall: wire.ToolCall{Name: c.name}, in: in, doc: []byte{'{'}, from: map[string]origin{}, taken: map[string]bool{}}
	params := url.Values{}
	for name, value := range in.Params {
		params.Set(name, value)
	}
	if err := r.values(params, inPath, "the path"); err != nil {
		return nil, err
	}
	if err := r.values(in.Query, inQuery, "the query"); err != nil {
		return nil, err
	}
	if err := r.body(); err != nil {
		return nil, err
	}
	r.doc = append(r.doc, '}')
	doc, err := strictjson.Parse(r.doc, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer doc.Release()
	if r.Args, err = strictjson.AppendCanonical(nil, doc.Root()); err != nil {
		return nil, &wire.Error{Err: err}
	}
	read.EveryString(doc.Root(), func(leaf strictjson.Value) {
		start, end := leaf.Span()
		r.Texts = append(r.Texts, wire.Text{Start: start, End: end, Place: wire.Place{List: "args", Index: -1}})
	})
	return r, nil
}

// add adds an argument, whose value is JSON. There are tools to which two names
// that differ by their case alone are one.
func (r *call) add(name string, from origin, value []byte) error {
	folded := strings.ToLower(name)
	if r.taken[folded] {
		return read.Wrong("", "an argument stands in two places")
	}
	r.taken[folded] = true
	r.from[name] = from
	if len(r.doc) > 1 {
		r.doc = append(r.doc, ',')
	}
	r.doc = append(strictjson.AppendQuoted(r.doc, name), ':')
	r.doc = append(r.doc, value...)
	return nil
}

func (r *call) values(list url.Values, from origin, what string) error {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if len(list[name]) != 1 {
			return read.Wrong("", "a name is repeated in "+what)
		}
		value := list[name][0]
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return read.Wrong("", what+" is not UTF-8")
		}
		if err := r.add(name, from, strictjson.AppendQuoted(nil, value)); err != nil {
			return err
		}
	}
	return nil
}

// body reads the arguments of the body.
func (r *call) body() error {
	body := bytes.TrimSpace(r.in.Body)
	if len(body) == 0 {
		return nil
	}
	media, _, err := mime.ParseMediaType(r.in.Header.Get("Content-Type"))
	if err == nil && media == mediaForm {
		if r.form, err = url.ParseQuery(string(r.in.Body)); err != nil {
			return read.Wrong("", "the form cannot be read")
		}
		return r.values(r.form, inForm, "the form")
	}
	doc, err := strictjson.Parse(r.in.Body, strictjson.Limits{})
	if err != nil {
		return &wire.Error{Err: err}
	}
	defer doc.Release()
	if doc.Root().Kind() != strictjson.Object {
		return read.Wrong("", "the body must be an object")
	}
	for k, v := range doc.Root().Members() {
		if err := r.add(k.Str(), inBody, v.Raw()); err != nil {
			return err
		}
	}
	return nil
}

// Call is the call.
func (r *call) Call() *wire.ToolCall { return &r.ToolCall }

// Doc is the object of all arguments.
func (r *call) Doc() []byte { return r.doc }

// Edited puts the arguments of doc where those of Doc stand.
func (r *call) Edited(doc []byte) (*wire.EditedRequest, error) {
	now, err := strictjson.Parse(doc, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer now.Release()
	to := &wire.EditedRequest{Params: maps.Clone(r.in.Params), Query: maps.Clone(r.in.Query), Body: r.in.Body}
	form := maps.Clone(r.form)
	for k, v := range now.Root().Members() {
		name := k.Str()
		switch r.from[name] {
		case inPath:
			to.Params[name] = v.Str()
		case inQuery:
			to.Query[name] = []string{v.Str()}
		case inForm:
			form[name] = []string{v.Str()}
		}
	}
	if form.Encode() != r.form.Encode() {
		to.Body = []byte(form.Encode())
		return to, nil
	}
	if r.form == nil {
		to.Body, err = r.editedBody(now.Root())
	}
	return to, err
}

// editedBody replaces the members of a JSON body that are no longer the same.
func (r *call) editedBody(now strictjson.Value) ([]byte, error) {
	if len(bytes.TrimSpace(r.in.Body)) == 0 {
		return r.in.Body, nil
	}
	was, err := strictjson.Parse(r.in.Body, strictjson.Limits{})
	if err != nil {
		return nil, &wire.Error{Err: err}
	}
	defer was.Release()
	var edits []strictjson.Replacement
	for k, v := range was.Root().Members() {
		if to := now.Get(k.Str()); !bytes.Equal(to.Raw(), v.Raw()) {
			edits = append(edits, read.Replace(v, to.Raw()))
		}
	}
	return strictjson.Splice(nil, r.in.Body, edits), nil
}

// Interface guards
var (
	_ wire.ToolRequest = (*call)(nil)
)
