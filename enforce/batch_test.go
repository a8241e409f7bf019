package enforce_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/redact"
)

// formRequest posts fields and one file, as mime/multipart writes them.
func formRequest(t testing.TB, path string, fields map[string]string, field, name, content string) *http.Request {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if field != "" {
		part, err := w.CreateFormFile(field, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1"+path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// upload posts a file.
func upload(t testing.TB, purpose, name, content string) *http.Request {
	t.Helper()
	return formRequest(t, "/files", map[string]string{"purpose": purpose}, "file", name, content)
}

// sent reads the form that went upstream.
func sent(t testing.TB, r *http.Request) map[string]string {
	t.Helper()
	rd, err := r.MultipartReader()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for {
		p, err := rd.NextPart()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		got[p.FormName()] = string(b)
		if p.FileName() != "" {
			got[p.FormName()+" name"] = p.FileName()
		}
	}
}

const (
	lineA = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"to alice@example.com"}],"tools":[{"type":"function","function":{"name":"rm"}},{"type":"function","function":{"name":"ls"}}]}}`
	lineB = `{"custom_id": "b", "method": "POST", "url": "/v1/embeddings", "body": {"model": "n", "input": ["bob@example.com", "x"]}}`
	file  = `{"id":"file-1","object":"file","filename":"in.jsonl","purpose":"batch","status":"processed"}`
)

func TestEachLineOfABatchIsDecidedAlone(t *testing.T) {
	log := &book{}
	g := gate(t, rules{decide: func(in *policy.Input) policy.Decision {
		if in.Model == "m" {
			return policy.Decision{ForceModel: "safe", HideTools: []string{"rm"}, Action: policy.ForceModel}
		}
		return policy.Decision{}
	}}, log, func(c *enforce.Config) { c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}} })
	w := exchange(g, upload(t, "batch", "in alice@example.com.jsonl", lineA+"\n"+lineB+"\n"), func(p *enforce.Reply, r *http.Request) error {
		got := sent(t, r)
		want := strings.NewReplacer("alice@example.com", "[EMAIL]", "bob@example.com", "[EMAIL]", `"m"`, `"safe"`, `{"type":"function","function":{"name":"rm"}},`, "").Replace(lineA + "\n" + lineB + "\n")
		if got["file"] != want || got["purpose"] != "batch" || got["file name"] != "in [EMAIL]" { // the address takes ".jsonl" along
			t.Errorf("upstream got %q\nwant %q", got, want)
		}
		return jsonReply(200, file)(p, r)
	})
	if w.Code != 200 || w.Body.String() != file || log.story() != "pre_chat force_model, pre_chat redact_messages, request redact_messages, outcome complete" {
		t.Errorf("%d %s, audit %s", w.Code, w.Body, log.story())
	}
	for i, want := range []struct{ protocol, endpoint, model string }{
		{"openai.chat", "/v1/chat/completions", "m"},
		{"openai.embeddings", "/v1/embeddings", "n"},
		{"openai.files", "/v1/files", ""},
		{"openai.files", "/v1/files", ""},
	} {
		if l := log.lines[i]; l.Protocol != want.protocol || l.Endpoint != want.endpoint || l.Model != want.model {
			t.Errorf("line %d: %s %s %s", i, l.Protocol, l.Endpoint, l.Model)
		}
	}
}

func TestAnUploadWithoutAnEditIsByteIdentical(t *testing.T) {
	r := upload(t, "batch", "in.jsonl", lineA+"\r\n"+lineB)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := exchange(gate(t, rules{}, &book{}, nil), r, func(p *enforce.Reply, r *http.Request) error {
		if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%v %q", err, got)
		}
		return jsonReply(200, file)(p, r)
	})
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOneRefusedLineRefusesTheUpload(t *testing.T) {
	deny := rules{decide: func(in *policy.Input) policy.Decision {
		if in.Model == "bad" {
			return policy.Decision{Action: policy.Deny, Reason: "no such model"}
		}
		return policy.Decision{}
	}}
	for name, c := range map[string]struct{ second, reason, story string }{
		"denied":              {strings.Replace(lineB, `"n"`, `"bad"`, 1), "line 2: no such model", "pre_chat allow, pre_chat deny"},
		"no JSON":             {"hello", "line 2: ", "request deny"},
		"empty":               {"\n" + lineB, "line 2: ", "request deny"},
		"two on a line":       {lineB + lineB, "line 2: ", "request deny"},
		"another endpoint":    {strings.Replace(lineB, "/v1/embeddings", "/v1/fine_tuning/jobs", 1), "line 2: url: an endpoint that is not governed in a batch", "request deny"},
		"another method":      {strings.Replace(lineB, "POST", "GET", 1), "line 2: method: must be POST", "request deny"},
		"case of a key":       {strings.Replace(lineB, `"url"`, `"url":"/v1/embeddings","URL"`, 1), "line 2: ", "request deny"},
		"a duplicate key":     {strings.Replace(lineB, `"url"`, `"url":"/v1/embeddings","url"`, 1), "line 2: ", "request deny"},
		"a bad request":       {strings.Replace(lineB, `"input"`, `"output"`, 1), "line 2: input: must be a string or an array", "pre_chat allow, request deny"},
		"a stream":            {strings.Replace(lineA, `"model"`, `"stream":true,"model"`, 1), "line 2: a request of a batch has no stream", "pre_chat allow, request deny"},
		"a fact":              {strings.Replace(lineA, `"to alice@example.com"`, `[{"type":"file","file":{"file_id":"file-2"}}]`, 1), "line 2: content that cannot be scanned: file_id; `unscanned allow file_id` lets the policy decide", "pre_chat allow, request deny"},
		"no body":             {strings.Replace(lineB, `"body"`, `"bodies"`, 1), "line 2: body: must be an object", "request deny"},
		"a model in its case": {strings.Replace(lineB, `"model"`, `"Model"`, 1), "line 2: ", "pre_chat allow, request deny"},
	} {
		log := &book{}
		w := exchange(gate(t, deny, log, nil), upload(t, "batch", "in.jsonl", lineA+"\n"+c.second), func(*enforce.Reply, *http.Request) error {
			t.Errorf("%s: it went upstream", name)
			return nil
		})
		var got struct{ Error struct{ Message string } }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code < 400 || w.Code > 403 ||
			!strings.HasPrefix(got.Error.Message, c.reason) || log.story() != c.story {
			t.Errorf("%s: %d %s, audit %s", name, w.Code, w.Body, log.story())
		}
	}
}

func TestUploadsOfOtherPurposes(t *testing.T) {
	const png = "\x89PNG\r\n\x1a\n\x00\x00"
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PreChat: policy.FieldMessages},
		decide: func(in *policy.Input) policy.Decision {
			if strings.Contains(string(in.Messages), "launch") {
				return policy.Decision{Action: policy.Deny, Reason: "no launch codes"}
			}
			return policy.Decision{}
		},
	}
	for name, c := range map[string]struct {
		purpose, content string
		code             int
		facts            string
		want             string // what goes upstream
	}{
		"a text":                   {"user_data", "write to alice@example.com\n", 200, "", "write to [EMAIL]\n"},
		"a denied text":            {"assistants", "the launch codes", 403, "", ""},
		"escapes in JSON":          {"user_data", `{"to":"alice\u0040example.com"}`, 200, "", `{"to":"[EMAIL]"}`},
		"escapes in lines of JSON": {"fine-tune", "{\"a\":\"alice\\u0040example.com\"}\n{\"b\":1}\n", 200, "", "{\"a\":\"[EMAIL]\"}\n{\"b\":1}\n"},
		"an image":                 {"vision", png, 200, "image", png},
		"a document":               {"user_data", "%PDF-1.7 text", 200, "binary", "%PDF-1.7 text"},
		"UTF-16":                   {"user_data", "\xff\xfea\x00", 200, "binary", "\xff\xfea\x00"},
		"nothing":                  {"user_data", "", 200, "", ""},
		"an unknown purpose":       {"batch ", "x", 400, "", ""},
		"no purpose":               {"", "x", 400, "", ""},
		"a batch in disguise":      {"user_data", lineA, 400, "", ""},
	} {
		log := &book{}
		g := gate(t, p, log, func(c *enforce.Config) { c.Redact.Request = []redact.Selector{{Spec: "EMAIL"}} })
		asked := false
		w := exchange(g, upload(t, c.purpose, "f", c.content), func(p *enforce.Reply, r *http.Request) error {
			asked = true
			if got := sent(t, r)["file"]; got != c.want {
				t.Errorf("%s: upstream got %q", name, got)
			}
			return jsonReply(200, file)(p, r)
		})
		if w.Code != c.code || asked != (c.code == 200) || strings.Join(log.lines[0].Unscanned, ",") != c.facts {
			t.Errorf("%s: %d %s, unscanned %v", name, w.Code, w.Body, log.lines[0].Unscanned)
		}
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	for name, fields := range map[string]map[string]string{
		"purpose in another case":   {"purpose": "user_data", "Purpose": "batch"},
		"purpose as a list":         {"purpose": "user_data", "purpose[]": "batch"},
		"a file that is a text":     {"purpose": "batch", "file": "x"},
		"a field that is no text":   {"purpose": "user_data", "note": "\x00"},
		"a field in another coding": {"purpose": "user_data", "note": "\xe9"},
	} {
		w := exchange(gate(t, rules{}, &book{}, nil), formRequest(t, "/files", fields, "file", "f", "x"), nil)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := exchange(gate(t, rules{}, &book{}, nil), formRequest(t, "/files", map[string]string{"purpose": "user_data"}, "files", "f", "x"), nil); w.Code != http.StatusBadRequest {
		t.Errorf("a file in another field: %d %s", w.Code, w.Body)
	}
}

const (
	resultA = `{"id":"r1","custom_id":"a","response":{"status_code":200,"request_id":"q","body":{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"I am alice@example.com","tool_calls":[{"id":"1","type":"function","function":{"name":"rm","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":2,"completion_tokens":3}}},"error":null}`
	resultB = `{"id":"r2","custom_id":"b","response":{"status_code":200,"request_id":"q","body":{"object":"chat.completion","model":"bad","choices":[{"index":0,"message":{"role":"assistant","content":"no"},"finish_reason":"stop"}]}},"error":null}`
	resultC = `{"id":"r3","custom_id":"c","response":{"status_code":400,"request_id":"q","body":{"error":{"message":"no alice@example.com here"}}},"error":null}`
	resultD = `{"id":"r4","custom_id":"d","response":null,"error":{"code":"batch_expired","message":"late"}}`
)

// textReply answers with a media type that says nothing.
func textReply(body string) func(*enforce.Reply, *http.Request) error {
	return func(w *enforce.Reply, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.WriteHeader(http.StatusOK)
		_, err := io.WriteString(w, body)
		return err
	}
}

func TestEachResultOfABatchIsDecidedAlone(t *testing.T) {
	log := &book{}
	p := rules{
		needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
		decide: func(in *policy.Input) policy.Decision {
			switch {
			case in.Stage == policy.PostChat && strings.Contains(string(in.Response), `"text":"no"`):
				return policy.Decision{Action: policy.Deny, Reason: "not that"}
			case in.Stage == policy.PreTool:
				return policy.Decision{Action: policy.Deny, Reason: "no tools"}
			}
			return policy.Decision{}
		},
	}
	w := exchange(gate(t, p, log, withRedaction("EMAIL")), get("/files/file-2/content"), textReply(strings.Join([]string{resultA, resultB, resultC, resultD}, "\n")+"\n"))
	want := strings.Join([]string{
		`{"id":"r1","custom_id":"a","response":{"status_code":200,"request_id":"q","body":{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"I am [EMAIL]\ntool ` + "`rm`" + `: no tools"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":3}}},"error":null}`,
		`{"id":"r2","custom_id":"b","response":{"status_code":403,"request_id":"","body":{"error":{"message":"not that","type":"policy_denied","param":null,"code":"policy_denied"}}},"error":null}`,
		strings.Replace(resultC, "alice@example.com", "[EMAIL]", 1), resultD,
	}, "\n") + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d\n got %s\nwant %s", w.Code, w.Body, want)
	}
	if got := log.story(); got != "request allow, post_chat redact_response, pre_tool deny, post_chat deny, outcome complete" {
		t.Errorf("audit %s", got)
	}
	if l := log.lines[1]; l.Protocol != "openai.chat" || l.Endpoint != "/v1/chat/completions" || l.Model != "m" {
		t.Errorf("line %+v", l)
	}
	if l := log.lines[4]; l.InputTokens != 2 || l.OutputTokens != 3 || l.Redactions["EMAIL"] != 2 {
		t.Errorf("outcome %+v", l)
	}
}

func TestContentThatIsNoResult(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		change  func(*enforce.Config)
		code    int
		want    string
		story   string
	}{
		"a text":             {"from alice@example.com", nil, 200, "from [EMAIL]", "request allow, post_chat redact_response, outcome complete"},
		"a denied text":      {"launch", nil, 403, "", "request allow, post_chat deny, outcome denied"},
		"requests":           {lineB + "\n", nil, 200, strings.Replace(lineB, "bob@example.com", "[EMAIL]", 1) + "\n", "request allow, post_chat redact_response, outcome complete"},
		"a picture":          {"\x89PNG\r\n\x1a\n\x00", nil, 403, "", "request allow, post_chat deny, outcome denied"},
		"an allowed one":     {"\x89PNG\r\n\x1a\n\x00", func(c *enforce.Config) { c.AllowUnscanned = map[string]bool{"image": true} }, 200, "\x89PNG\r\n\x1a\n\x00", "request allow, post_chat allow, outcome complete"},
		"a broken result":    {resultA + "\nx", nil, 502, "", "request allow, outcome upstream_error"},
		"a chat in disguise": {strings.Replace(resultA, "chat.completion", "response", 1), nil, 502, "", "request allow, outcome upstream_error"},
		"an unknown result":  {strings.Replace(resultA, "chat.completion", "thread.run", 1), nil, 502, "", "request allow, outcome upstream_error"},
	} {
		log := &book{}
		p := rules{
			needs: map[policy.Stage]policy.Fields{policy.PostChat: policy.FieldResponse},
			decide: func(in *policy.Input) policy.Decision {
				if strings.Contains(string(in.Response), "launch") {
					return policy.Decision{Action: policy.Deny, Reason: "no"}
				}
				return policy.Decision{}
			},
		}
		w := exchange(gate(t, p, log, func(cfg *enforce.Config) {
			withRedaction("EMAIL")(cfg)
			if c.change != nil {
				c.change(cfg)
			}
		}), get("/files/f/content"), textReply(c.content))
		if w.Code != c.code || c.code == 200 && w.Body.String() != c.want || log.story() != c.story {
			t.Errorf("%s: %d %q, audit %s", name, w.Code, w.Body, log.story())
		}
	}
}

func TestBatchesNameAGovernedEndpoint(t *testing.T) {
	const reply = `{"id":"batch_1","object":"batch","input_file_id":"file-1","output_file_id":null,"metadata":{"by":"alice@example.com"}}`
	for body, code := range map[string]int{
		`{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"}`: 200,
		`{"input_file_id":"file-1","endpoint":"/v1/fine_tuning/jobs","completion_window":"24h"}`: 400,
		`{"endpoint":"/v1/chat/completions"}`:                                                    400,
		`{"input_file_id":"f","Endpoint":"x","endpoint":"/v1/embeddings"}`:                       400,
		`[]`: 400,
	} {
		log := &book{}
		w := exchange(gate(t, rules{}, log, withRedaction("EMAIL")), post("/batches", body), jsonReply(200, reply))
		if w.Code != code {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		if code == 200 && (w.Body.String() != strings.Replace(reply, "alice@example.com", "[EMAIL]", 1) || log.story() != "request allow, outcome complete") {
			t.Errorf("%s, audit %s", w.Body, log.story())
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/batches/batch_1/cancel", strings.NewReader("{}"))
	if w := exchange(gate(t, rules{}, &book{}, nil), r, jsonReply(200, reply)); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
