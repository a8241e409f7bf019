package pdp

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// tooLarge refuses a body over the limit.
func (c *call) tooLarge() *refusal {
	return &refusal{codeTooLarge, "the body is over the limit of " + strconv.FormatInt(c.h.cfg.MaxBody, 10) + " bytes"}
}

// readBody reads no more than one byte over the limit. A body that breaks off
// is refused, never taken for a shorter one.
func (c *call) readBody() ([]byte, *refusal) {
	if c.r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, c.h.cfg.MaxBody+1))
	switch {
	case int64(len(body)) > c.h.cfg.MaxBody:
		return nil, c.tooLarge()
	case err != nil:
		return nil, invalid("the body broke off")
	}
	return body, nil
}

// checkEncoding refuses a body that is not sent as it is.
func checkEncoding(h http.Header) *refusal {
	for _, v := range h.Values("Content-Encoding") {
		if v != "" && !strings.EqualFold(v, "identity") {
			return &refusal{codeMediaType, "an encoded body is not supported; send it without Content-Encoding"}
		}
	}
	return nil
}

// utf8Only reports whether a media type's parameters leave it in UTF-8.
func utf8Only(params map[string]string) bool {
	for name, v := range params {
		if name != "charset" || !strings.EqualFold(v, "utf-8") {
			return false
		}
	}
	return true
}

func checkJSONType(h http.Header) *refusal {
	if values := h.Values("Content-Type"); len(values) == 1 {
		media, params, err := mime.ParseMediaType(values[0])
		if err == nil && media == "application/json" && utf8Only(params) {
			return nil
		}
	}
	return &refusal{codeMediaType, "the body must be application/json, in UTF-8"}
}

// object passes a body through the gate. The caller releases the document.
func object(body []byte) (*strictjson.Doc, *refusal) {
	doc, err := strictjson.Parse(body, strictjson.Limits{})
	if err != nil {
		return nil, invalid("the body is refused: " + err.Error()) // a reason and a place
	}
	if doc.Root().Kind() != strictjson.Object {
		doc.Release()
		return nil, invalid("the body must be a JSON object")
	}
	return doc, nil
}

// question reads the body of a question, a JSON object.
func (c *call) question(body []byte) (*strictjson.Doc, *refusal) {
	if ref := checkEncoding(c.r.Header); ref != nil {
		return nil, ref
	}
	if ref := checkJSONType(c.r.Header); ref != nil {
		return nil, ref
	}
	return object(body)
}

var dataFields = strictjson.Keys("input")

// dataInput reads the body of the Data API: {"input": {…}}. Other members
// beside input are OPA's options, and are ignored.
func (c *call) dataInput(body []byte) (*strictjson.Doc, strictjson.Value, *refusal) {
	doc, ref := c.question(body)
	if ref != nil {
		return nil, strictjson.Value{}, ref
	}
	input := doc.Root().Get("input")
	if err := doc.Root().CheckKeys(dataFields); err != nil {
		ref = invalid("the body is refused: " + err.Error())
	} else if input.Kind() != strictjson.Object {
		ref = invalid("the body must have input, an object")
	}
	if ref != nil {
		doc.Release()
		return nil, strictjson.Value{}, ref
	}
	return doc, input, nil
}
