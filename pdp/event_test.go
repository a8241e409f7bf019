package pdp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/audit"
	"github.com/headgate/headgate/pdp"
)

const eventPath = "/v1/integrations/cloudevents"

// The test vector of the hash of an event's data: that of {"a":[true,"x"],"b":1}.
const (
	vectorData = `{"b": 1, "a": [true, "x"]}`
	vectorHash = "f15ef113d6e0c876b9ea9e90ebc36ad3f8b350d44634ba2fc407e978fb8cebeb"
	abcHash    = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of the bytes abc, FIPS 180-4
)

// emit posts an event. A header without a value is not sent.
func emit(h *pdp.Handler, body string, headers http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, eventPath, strings.NewReader(body))
	r.Header = headers
	w := httptest.NewRecorder()
	h.Handle(w, r, "")
	return w
}

func structured(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

// binary makes the headers of an event in binary mode, with more in pairs.
func binary(more ...string) http.Header {
	h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func TestEvents(t *testing.T) {
	const envelope = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	core := []audit.Attribute{{Name: "specversion", Value: "1.0"}, {Name: "id", Value: "1"}, {Name: "source", Value: "/s"}, {Name: "type", Value: "t"}}
	with := func(pairs ...string) []audit.Attribute {
		list := append([]audit.Attribute{}, core...)
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, audit.Attribute{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	tests := []struct {
		name    string
		body    string
		headers http.Header
		want    []audit.Attribute
		hash    string
	}{
		{"structured", envelope + `,"data":` + vectorData + `}`, structured("application/cloudevents+json"), core, vectorHash},
		{"structured, in UTF-8", envelope + `}`, structured(`Application/CloudEvents+JSON; charset="UTF-8"`), core, ""},
		{
			"all attributes, extensions by name", envelope + `,"zone":"z","count":-7,"flag":true,"unset":null,"time":"2026-04-29T17:32:04.5Z","subject":"x","dataschema":"/d","datacontenttype":"text/plain","data":"abc"}`,
			structured("application/cloudevents+json"),
			with("subject", "x", "time", "2026-04-29T17:32:04.5Z", "datacontenttype", "text/plain", "dataschema", "/d", "count", "-7", "flag", "true", "zone", "z"), abcHash,
		},
		{"a string of JSON", envelope + `,"datacontenttype":"application/json","data":"abc"}`, structured("application/cloudevents+json"), with("datacontenttype", "application/json"), "6cc43f858fbb763301637b5af970e2a46b46f461f27e5a0f41e009c59b827b25"},
		{"base64", envelope + `,"datacontenttype":"image/png","data_base64":"YWJj"}`, structured("application/cloudevents+json"), with("datacontenttype", "image/png"), abcHash},
		{"base64 of JSON", envelope + `,"data_base64":"eyJiIjogMSwgImEiOiBbdHJ1ZSwgIngiXX0="}`, structured("application/cloudevents+json"), core, vectorHash},
		{"structured counts where both modes are there", envelope + `}`, binary("Content-Type", "application/cloudevents+json", "Ce-Id", "2"), core, ""},

		{"binary", "", binary(), core, ""},
		{"binary with JSON", vectorData, binary("Content-Type", "application/json"), with("datacontenttype", "application/json"), vectorHash},
		{"binary with some JSON", vectorData, binary("Content-Type", "application/x+json; charset=utf-8"), with("datacontenttype", "application/x+json; charset=utf-8"), vectorHash},
		{"binary without a content type", vectorData, binary(), core, vectorHash},
		{"binary with text", "abc", binary("Content-Type", "text/plain"), with("datacontenttype", "text/plain"), abcHash},
		{"binary with what should be JSON", "abc", binary("Content-Type", "application/json"), with("datacontenttype", "application/json"), abcHash},
		{
			"encoded headers", "", binary("Ce-Subject", "Euro%20%E2%82%AC%20%F0%9F%98%80", "Ce-Quoted", `"a \"b\" c%25"`, "Ce-Empty", ""),
			with("subject", "Euro € 😀", "empty", "", "quoted", `a "b" c%`), "",
		},
		{"what the detectors know", "", binary("Ce-Subject", "alice@example.com", "Ce-4111111111111111", "x"), with("subject", "[EMAIL]", "[CREDIT_CARD]", "x"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			says(t, emit(handler(t, &rules{}, log, nil), tt.body, tt.headers), http.StatusAccepted, `{"status":"recorded","id":"1"}`)
			rec := log.one(t)
			if diff := cmp.Diff(tt.want, rec.Event); diff != "" {
				t.Errorf("attributes differ (-want +got):\n%s", diff)
			}
			if rec.Kind != audit.KindEvent || rec.DataHash != tt.hash || rec.Stage != "" || rec.Decision != "" || rec.Endpoint != eventPath || rec.Principal.Auth != "anonymous" {
				t.Errorf("line %+v", rec)
			}
		})
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	const envelope = `{"specversion":"1.0","id":"1","source":"/s","type":"t"`
	ce := structured("application/cloudevents+json")
	drop := func(name string) http.Header {
		h := binary()
		delete(h, name)
		return h
	}
	twice := binary()
	twice["Ce-Id"] = []string{"1", "1"}
	types := binary()
	types["Content-Type"] = []string{"text/plain", "text/plain"}
	tests := []struct {
		name, body string
		headers    http.Header
		status     int
		message    string
	}{
		{"nothing", "", http.Header{}, 400, "the event has no specversion, id, source, type;"},
		{"an envelope with another type", envelope + "}", structured("application/json"), 400, "the event has no specversion, id, source, type;"},
		{"no source", "", drop("Ce-Source"), 400, "the event has no source;"},
		{"an empty id", "", binary("Ce-Id", ""), 400, "the event has no id;"},
		{"a null id", strings.Replace(envelope, `"1",`, `null,`, 1) + "}", ce, 400, "the event has no id;"},
		{"missing in structured mode", `{"specversion":"1.0"}`, ce, 400, "the event has no id, source, type;"},
		{"another version", "", binary("Ce-Specversion", "0.3"), 400, "specversion must be 1.0"},
		{"an empty subject", "", binary("Ce-Subject", ""), 400, "subject is empty"},
		{"not a time", "", binary("Ce-Time", "yesterday"), 400, "time must be of RFC 3339"},
		{"a name with a dash", "", binary("Ce-My-Ext", "x"), 400, "lower-case letters and digits"},
		{"a name in upper case", envelope + `,"myExt":"x"}`, ce, 400, "lower-case letters and digits"},
		{"a case variant", envelope + `,"ID":"2"}`, ce, 400, "lower-case letters and digits"},
		{"a name that is long", envelope + `,"` + strings.Repeat("x", 65) + `":"x"}`, ce, 400, "lower-case letters and digits"},
		{"data as a header", "", binary("Ce-Data", "x"), 400, "lower-case letters and digits"},
		{"the content type twice", "", binary("Ce-Datacontenttype", "text/plain"), 400, "lower-case letters and digits"},
		{"repeated", "", twice, 400, "repeated"},
		{"bad percent-encoding", "", binary("Ce-Subject", "100%"), 400, "decoded"},
		{"bad quotes", "", binary("Ce-Subject", `"a"b"`), 400, "decoded"},
		{"a broken escape", "", binary("Ce-Subject", `"a\"`), 400, "decoded"},
		{"not UTF-8", "", binary("Ce-Subject", "%FF"), 400, "decoded"},
		{"an attribute is an object", envelope + `,"x":{}}`, ce, 400, "wrong type"},
		{"a fraction", envelope + `,"x":1.5}`, ce, 400, "wrong type"},
		{"an id that is a number", strings.Replace(envelope, `"1",`, `1,`, 1) + "}", ce, 400, "wrong type"},
		{"data twice", envelope + `,"data":1,"data_base64":""}`, ce, 400, "both data and data_base64"},
		{"not base64", envelope + `,"data_base64":"*"}`, ce, 400, "not base64"},
		{"base64 that is no string", envelope + `,"data_base64":7}`, ce, 400, "not base64"},
		{"a duplicate key", envelope + `,"id":"2"}`, ce, 400, "duplicate key"},
		{"a list", "[]", ce, 400, "a JSON object"},
		{"not JSON", "abc", ce, 400, "not JSON"},
		{"a batch", "[]", structured("application/cloudevents-batch+json"), 415, "batch"},
		{"another format", "", structured("application/cloudevents+xml"), 415, "cloudevents+json"},
		{"another charset", envelope + "}", structured("application/cloudevents+json; charset=utf-16"), 415, "UTF-8"},
		{"a content type that cannot be read", "", binary("Content-Type", ";"), 415, "cannot be read"},
		{"two content types", "", types, 415, "cannot be read"},
		{"compressed", "", binary("Content-Encoding", "br"), 415, "Content-Encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &book{}
			refused(t, emit(handler(t, &rules{}, log, nil), tt.body, tt.headers), tt.status, tt.message)
			if rec := log.one(t); rec.Kind != audit.KindDecision || rec.Stage != "request" || rec.Event != nil {
				t.Errorf("line %+v", rec)
			}
		})
	}
}

func TestEventsNeedASignature(t *testing.T) {
	log := &book{}
	h := handler(t, &rules{}, log, func(c *pdp.Config) { c.Anonymous, c.Keys = false, [][]byte{[]byte("k")} })
	refused(t, emit(h, "abc", binary()), http.StatusUnauthorized, "neither")
	w := emit(h, "abc", binary("X-Cullis-Integration-Signature", sign("k", "abc")))
	says(t, w, http.StatusAccepted, `{"status":"recorded","id":"1"}`)
	if rec := log.lines[1]; rec.Principal.Auth != "hmac" {
		t.Errorf("line %+v", rec)
	}
}

// TestOfficialClient sends events with the CloudEvents project's own client, in
// both modes, and looks at the line as it is written.
func TestOfficialClient(t *testing.T) {
	log := &book{}
	h := handler(t, &rules{}, log, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Handle(w, r, "") }))
	defer server.Close()
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(server.URL + eventPath))
	if err != nil {
		t.Fatal(err)
	}
	event := cloudevents.NewEvent()
	event.SetID("e-1")
	event.SetSource("urn:example:scanner")
	event.SetType("com.example.found")
	event.SetSubject("größe 1%")
	event.SetTime(time.Date(2026, 4, 29, 17, 32, 4, 0, time.UTC))
	event.SetExtension("level", 3)
	if err := event.SetData(cloudevents.ApplicationJSON, json.RawMessage(vectorData)); err != nil {
		t.Fatal(err)
	}
	result := client.Send(cloudevents.WithEncodingStructured(t.Context()), event)
	if !cloudevents.IsACK(result) {
		t.Fatalf("structured: %v", result)
	}
	event.SetSubject("plain")
	if result = client.Send(cloudevents.WithEncodingBinary(t.Context()), event); !cloudevents.IsACK(result) {
		t.Fatalf("binary: %v", result)
	}
	if len(log.lines) != 2 {
		t.Fatalf("%d lines", len(log.lines))
	}
	for i, subject := range []string{"größe 1%", "plain"} {
		var line struct {
			Kind     string            `json:"kind"`
			Event    map[string]string `json:"event"`
			DataHash string            `json:"data_hash"`
		}
		if err := json.Unmarshal(log.lines[i].AppendJSON(nil, 1, [32]byte{}), &line); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"specversion": "1.0", "id": "e-1", "source": "urn:example:scanner", "type": "com.example.found",
			"subject": subject, "time": "2026-04-29T17:32:04Z", "datacontenttype": "application/json", "level": "3",
		}
		if diff := cmp.Diff(want, line.Event); diff != "" || line.Kind != "event" || line.DataHash != vectorHash {
			t.Errorf("line %+v (-want +got):\n%s", line, diff)
		}
	}
}
