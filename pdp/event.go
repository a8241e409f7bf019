package pdp

import (
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/wire/strictjson"
)

// cloudEvent is an event as it is recorded: its attributes, and the hash of its
// data.
type cloudEvent struct {
	attributes map[string]string
	dataHash   string
}

// event records a CloudEvent 1.0 in structured or in binary mode of the HTTP
// binding. Its attributes go into the audit log, without what the detectors
// know; of its data only the hash goes there (see [dataHash]).
func (c *call) event(body []byte) *refusal {
	if ref := checkEncoding(c.r.Header); ref != nil {
		return ref
	}
	structured, ref := eventMode(c.r.Header)
	if ref != nil {
		return ref
	}
	var ev *cloudEvent
	if structured {
		ev, ref = structuredEvent(body)
	} else {
		ev, ref = binaryEvent(c.r.Header, body)
	}
	if ref == nil {
		ref = ev.check()
	}
	if ref != nil {
		return ref
	}
	rec := c.record()
	rec.Kind, rec.DataHash = audit.KindEvent, ev.dataHash
	for _, name := range ev.names() {
		rec.Event = append(rec.Event, audit.Attribute{Name: c.h.scrub(name), Value: c.h.scrub(ev.attributes[name])})
	}
	if ref := c.write(rec, c.h.cfg.Audit.Append); ref != nil {
		return ref
	}
	answer := strictjson.AppendQuoted([]byte(`{"status":"recorded","id":`), ev.attributes["id"])
	c.send(http.StatusAccepted, append(answer, '}'))
	return nil
}

// eventMode tells the modes apart by the media type, as the binding does.
func eventMode(h http.Header) (structured bool, ref *refusal) {
	values := h.Values("Content-Type")
	if len(values) == 0 {
		return false, nil
	}
	media, params, err := mime.ParseMediaType(values[0])
	switch {
	case len(values) > 1 || err != nil:
		return false, &refusal{codeMediaType, "the content type cannot be read"}
	case media == "application/cloudevents+json" && utf8Only(params):
		return true, nil
	case strings.HasPrefix(media, "application/cloudevents"):
		return false, &refusal{codeMediaType, "an event must be application/cloudevents+json, in UTF-8, or in binary mode; a batch is not supported"}
	}
	return false, nil
}

// The attributes that every event has, and those of the specification that it
// may have, in the order of the audit line.
var (
	requiredAttributes = []string{"specversion", "id", "source", "type"}
	optionalAttributes = []string{"subject", "time", "datacontenttype", "dataschema"}
	coreAttributes     = slices.Concat(requiredAttributes, optionalAttributes)
)

// names lists the attributes: those of the specification, then the extensions
// by name.
func (ev *cloudEvent) names() []string {
	var core, extensions []string
	for _, name := range coreAttributes {
		if _, ok := ev.attributes[name]; ok {
			core = append(core, name)
		}
	}
	for name := range ev.attributes {
		if !slices.Contains(coreAttributes, name) {
			extensions = append(extensions, name)
		}
	}
	slices.Sort(extensions)
	return append(core, extensions...)
}

// check holds the attributes to the specification.
func (ev *cloudEvent) check() *refusal {
	var missing []string
	for _, name := range requiredAttributes {
		if ev.attributes[name] == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return invalid("the event has no " + strings.Join(missing, ", ") +
			"; binary mode has ce-id, ce-source, ce-type and ce-specversion headers, structured mode the same names in application/cloudevents+json")
	}
	if ev.attributes["specversion"] != "1.0" {
		return invalid("the event's specversion must be 1.0")
	}
	for _, name := range optionalAttributes {
		if value, ok := ev.attributes[name]; ok && value == "" {
			return invalid("the event's " + name + " is empty")
		}
	}
	if at, ok := ev.attributes["time"]; ok {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return invalid("the event's time must be of RFC 3339")
		}
	}
	return nil
}

// attributeName reports whether an attribute may have a name: lower-case
// letters and digits. The specification asks for no more than 20 of them.
func attributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 64 && name != "data"
}

const badAttribute = "an attribute of the event has a name other than lower-case letters and digits"

// structuredEvent reads an event in the JSON format.
func structuredEvent(body []byte) (*cloudEvent, *refusal) {
	doc, ref := object(body)
	if ref != nil {
		return nil, ref
	}
	defer doc.Release()
	ev := &cloudEvent{attributes: map[string]string{}}
	for key, v := range doc.Root().Members() {
		name := key.Str()
		if name == "data" || name == "data_base64" || v.IsNull() && attributeName(name) {
			continue
		}
		if !attributeName(name) {
			return nil, invalid(badAttribute)
		}
		value, ok := attributeValue(v, slices.Contains(coreAttributes, name))
		if !ok {
			return nil, invalid("an attribute of the event has a value of a wrong type")
		}
		ev.attributes[name] = value
	}
	ev.dataHash, ref = structuredData(doc.Root(), ev.attributes["datacontenttype"])
	return ev, ref
}

// attributeValue reads the value of an attribute. Those of the specification
// are strings; extensions may be booleans and integers as well.
func attributeValue(v strictjson.Value, core bool) (string, bool) {
	switch v.Kind() {
	case strictjson.String:
		return v.Str(), true
	case strictjson.True, strictjson.False:
		return string(v.Raw()), !core
	case strictjson.Number:
		_, ok := v.Int()
		return string(v.Raw()), ok && !core
	}
	return "", false
}

// structuredData is the hash of data or data_base64. A string in data whose
// content type is not JSON stands for its text.
func structuredData(root strictjson.Value, contentType string) (string, *refusal) {
	data, coded := root.Get("data"), root.Get("data_base64")
	switch {
	case data.Exists() && coded.Exists():
		return "", invalid("the event has both data and data_base64")
	case coded.Exists():
		b, err := base64.StdEncoding.DecodeString(coded.Str())
		if err != nil || coded.Kind() != strictjson.String {
			return "", invalid("the event's data_base64 is not base64")
		}
		return dataHash(b, contentType), nil
	case data.Kind() == strictjson.String && !isJSON(contentType):
		return dataHash([]byte(data.Str()), contentType), nil
	case data.Exists():
		return dataHash(data.Raw(), ""), nil
	}
	return "", nil
}

// dataHash is the lower-case hex SHA-256 of an event's data: of its canonical
// form (RFC 8785) where the content type is JSON, or none is given, and the data
// passes the strict gate; else of the bytes. So it is the same in both modes.
// That of
//
//	{"b": 1, "a": [true, "x"]}
//
// is the SHA-256 of {"a":[true,"x"],"b":1},
// f15ef113d6e0c876b9ea9e90ebc36ad3f8b350d44634ba2fc407e978fb8cebeb.
func dataHash(data []byte, contentType string) string {
	if isJSON(contentType) {
		if canonical, err := strictjson.Canonical(data); err == nil {
			return hash(canonical)
		}
	}
	return hash(data)
}

// isJSON reports whether data of a content type is JSON, which it also is where
// none is given.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"))
}
