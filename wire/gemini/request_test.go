package gemini

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/openai"
	"github.com/headgate/headgate/wire/strictjson"
)

// facts is what a request says, as a gate sees it.
type facts struct {
	Tools      []string
	Unscanned  []string
	References []string
	Texts      []string // "place: text"
}

// incoming is a body for the model m.
func incoming(body string) wire.Incoming {
	return wire.Incoming{Params: wire.Params{"model": "m"}, Body: []byte(body)}
}

func factsOf(t *testing.T, c wire.ChatCodec, body string) facts {
	t.Helper()
	r, err := c.Request(incoming(body))
	if err != nil {
		t.Fatalf("Request(%s): %v", body, err)
	}
	f := facts{Tools: r.Tools(), Unscanned: r.Unscanned(), References: r.(wire.Referrer).References()}
	for _, x := range r.Texts() {
		mark := ""
		if x.Result {
			mark = " (result)"
		}
		f.Texts = append(f.Texts, x.Place.String()+mark+": "+string(strictjson.Unescape(nil, []byte(body)[x.Start:x.End])))
	}
	return f
}

// user is a request with the parts of one user's message.
func user(parts string) string { return `{"contents":[{"role":"user","parts":[` + parts + `]}]}` }

func TestRequestFacts(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       facts
	}{
		{"a plain prompt", user(`{"text":"Hello"}`), facts{Texts: []string{"messages[0].text: Hello"}}},
		{"one object where a list belongs, and no role", `{"contents":{"parts":{"text":"Hello"}}}`, facts{Texts: []string{"messages[0].text: Hello"}}},
		{
			"the system text is the first message, wherever it stands",
			`{"contents":[{"parts":[{"text":"Hi"}]}],"system_instruction":{"role":"user","parts":[{"text":"Be"},{"text":"brief"}]}}`,
			facts{Texts: []string{"messages[0].text: Be", "messages[0].text: brief", "messages[1].text: Hi"}},
		},
		{"an empty system text is none", `{"systemInstruction":{"parts":[]},"contents":[]}`, facts{}},
		{
			"tools of every kind, in order",
			`{"contents":[],"tools":[{"function_declarations":[{"name":"f","description":"does f","parameters":{"type":"OBJECT","properties":{"x":{"type":"STRING","description":"an x"}}}},{"name":"g","parametersJsonSchema":{"$ref":"r","title":"G"}}]},` +
				`{"google_search":{}},{"googleSearch":null,"codeExecution":{},"url_context":{}},{"fileSearch":{"file_search_store_names":["fileSearchStores/s"],"metadataFilter":"a=b"}},` +
				`{"mcpServers":[{"name":"wiki","streamableHttpTransport":{"url":"https://w.test","headers":{"Authorization":"tok","X-Note":"n"}}}]},{"holo_deck":{"beam":"w"}}]}`,
			facts{
				Tools: []string{"f", "g", "googleSearch", "codeExecution", "urlContext", "fileSearch", "mcp:wiki", "holoDeck"}, Unscanned: []string{"remote_url"},
				References: []string{"fileSearchStores/s"},
				Texts: []string{
					"tools[0].description: does f", "tools[0].description: an x", "tools[1].description: G", "tools[5].description: fileSearchStores/s", "tools[5].description: a=b",
					"tools[6].description: https://w.test", "tools[6].description: n", "tools[7].description: w",
				},
			},
		},
		{
			"earlier calls and results, each result a message",
			`{"contents":[{"role":"model","parts":[{"text":"see"},{"functionCall":{"id":"1","name":"f","args":{"id":"a","n":[1,{"type":"b"}]}}}]},` +
				`{"role":"user","parts":[{"function_response":{"id":"1","name":"f","response":{"type":"found"}}},{"functionResponse":{"name":"g","response":{"output":["x"]},"scheduling":"SILENT","parts":[{"inline_data":{"mime_type":"image/png","data":"AA=="}},{"fileData":{"mimeType":"image/png","fileUri":"gs://b/i"}}]}},{"text":"and"}]}]}`,
			facts{Unscanned: []string{"image", "remote_url"}, Texts: []string{
				"messages[0].text: see", "messages[0].tool_calls: a", "messages[0].tool_calls: b", "messages[1].text (result): found",
				"messages[2].text (result): x", "messages[2].text (result): gs://b/i", "messages[3].text: and",
			}},
		},
		{
			"media",
			user(`{"inlineData":{"mimeType":"IMAGE/png","data":"AA==","displayName":"D"}},{"inline_data":{"mime_type":"audio/mp3","data":"AA=="}},{"inlineData":{"mimeType":"application/pdf","data":"AA=="}},` +
				`{"fileData":{"mimeType":"video/mp4","fileUri":"https://x.test"},"videoMetadata":{"startOffset":"1s"}},{"file_data":{"file_uri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}`),
			facts{Unscanned: []string{"audio", "binary", "file_id", "image", "remote_url"}, References: []string{"files/abc"}, Texts: []string{"messages[0].text: D", "messages[0].text: https://x.test"}},
		},
		{
			"thoughts, signatures, and what the provider's tools did",
			`{"contents":[{"role":"model","parts":[{"text":"hm","thought":true},{"text":"a","thoughtSignature":"c2ln"},{"functionCall":{"name":"f"},"thought_signature":"c2ln"},` +
				`{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"toolCall":{"toolType":"GOOGLE_SEARCH","args":{"id":"q"}}},{"toolResponse":{"toolType":"X","response":{"type":"r"}}},{"hologram":{"beam":["w"]}}]}]}`,
			facts{Unscanned: []string{"opaque_echo"}, Texts: []string{
				"messages[0].text: a", "messages[0].text: hm", "messages[0].text: print(1)", "messages[0].text: 1", "messages[0].text: q", "messages[0].text: r", "messages[0].text: w",
			}},
		},
		{
			"members beside those of a part, a call and a content",
			`{"contents":[{"role":"model","parts":[{"text":"a","partMetadata":{"id":"b"}},{"functionCall":{"name":"f","args":{},"note":"c"},"note":"d"}],"name":"e"}]}`,
			facts{Texts: []string{"messages[0].text: a", "messages[0].text: b", "messages[0].tool_calls: c", "messages[0].tool_calls: d", "messages[0].text: e"}},
		},
		{
			"other fields of the request hold words too",
			`{"model":"models/m","contents":[],"cachedContent":"cachedContents/c","labels":{"id":"l"},"safetySettings":[{"category":"C","threshold":"T"}],"unheard":{"of":"u"},` +
				`"generationConfig":{"stopSequences":["end"],"responseModalities":["TEXT"],"responseMimeType":"text/plain","responseSchema":{"type":"OBJECT","description":"s"}},` +
				`"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"],"note":"n"},"retrievalConfig":{"languageCode":"en"}}}`,
			facts{Unscanned: []string{"cached_content"}, References: []string{"cachedContents/c"}, Texts: []string{
				"labels: l", "unheard: u", "generationConfig: end", "generationConfig: s", "toolConfig: en", "toolConfig: n",
			}},
		},
		{
			"the values in a schema are any JSON",
			`{"contents":[],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object","properties":{"a":{"default":{"id":"a","thoughtSignature":"b"},"examples":[{"type":"c"}]}}}}]}]}`,
			facts{Tools: []string{"f"}, Texts: []string{"tools[0].description: a", "tools[0].description: b", "tools[0].description: c"}},
		},
		{
			"names that are nearly those of fields",
			`{"contents":[{"parts":[{"text":"a","text_":"b"},{"functionCall":{"name":"f","args":{},"name_":"c"}}],"parts_":["d"]}],"system__instruction":{"parts":[{"text":"e"}]},"tools_":["f"]}`,
			facts{Texts: []string{
				"messages[0].text: a", "messages[0].text: b", "messages[0].tool_calls: c", "messages[0].text: d", "system__instruction: e", "tools_: f",
			}},
		},
		{"nothing is null", `{"contents":[],"tools":null,"systemInstruction":null,"toolConfig":null,"cachedContent":null,"generationConfig":null}`, facts{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOf(t, GenerateContent{}, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOtherRequests(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codec wire.ChatCodec
		body  string
		want  facts
		roles int // messages
	}{
		{"a count", CountTokens{}, user(`{"text":"a"}`), facts{Texts: []string{"messages[0].text: a"}}, 1},
		{
			"a count of a whole request",
			CountTokens{},
			`{"generate_content_request":{"model":"models/m","systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"parts":[{"text":"a"}]}],"tools":[{"googleSearch":{}}]},"note":"n"}`,
			facts{Tools: []string{"googleSearch"}, Texts: []string{"messages[0].text: s", "messages[1].text: a", "note: n"}},
			2,
		},
		{"tokens", ComputeTokens{}, user(`{"text":"a"}`), facts{Texts: []string{"messages[0].text: a"}}, 1},
		{"an embedding", EmbedContent{}, `{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_DOCUMENT","title":"T"}`, facts{Texts: []string{"messages[0].text: a", "title: T"}}, 1},
		{
			"embeddings",
			BatchEmbedContents{},
			`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"task_type":"X"},{"model":"models/m","content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},"title":"T"}]}`,
			facts{Unscanned: []string{"image"}, Texts: []string{"messages[0].text: a", "title: T"}},
			2,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, factsOf(t, tt.codec, tt.body)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			if got := strings.Count(messagesOf(t, tt.codec, tt.body), `"role"`); got != tt.roles {
				t.Errorf("%d messages", got)
			}
		})
	}
}

func messagesOf(t *testing.T, c wire.ChatCodec, body string) string {
	t.Helper()
	r, err := c.Request(incoming(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	return string(r.Messages())
}

// TestOneConversationHasOneHash: whichever dialect carries it.
func TestOneConversationHasOneHash(t *testing.T) {
	for _, tt := range []struct{ name, gemini, openai string }{
		{
			"words",
			`{"systemInstruction":{"parts":[{"text":"Be brief"}]},"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Yes?","thoughtSignature":"c2ln"}]},{"role":"USER","parts":[{"text":"a"},{"text":"b"}]}]}`,
			`{"model":"n","messages":[{"role":"system","content":"Be brief"},{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
		},
		{
			"calls and results",
			`{"contents":[{"role":"user","parts":[{"text":"Go"}]},{"role":"model","parts":[{"text":"see"},{"functionCall":{"id":"1","name":"f","args":{"b":1.0,"a":"x"}}},{"functionCall":{"id":"2","name":"g","args":{}}}]},` +
				`{"role":"user","parts":[{"functionResponse":{"id":"1","name":"f","response":{"output":"r"}}},{"functionResponse":{"id":"2","name":"g","response":{"b":1, "a":[]}}},{"text":"and?"}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":"Go"},{"role":"assistant","content":"see","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\": \"x\", \"b\": 1}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
				`{"role":"tool","tool_call_id":"1","content":"r"},{"role":"tool","tool_call_id":"2","content":"{\"a\":[],\"b\":1}"},{"role":"user","content":"and?"}]}`,
		},
		{
			"calls that have names instead of ids",
			`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}}]},{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"result":"r"}}}]}]}`,
			`{"model":"m","messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},{"role":"function","name":"f","content":"r"}]}`,
		},
	} {
		g, o := messagesOf(t, GenerateContent{}, tt.gemini), messagesOf(t, openai.Chat{}, tt.openai)
		if diff := cmp.Diff(o, g); diff != "" {
			t.Errorf("%s (-openai +gemini):\n%s", tt.name, diff)
		}
	}
}

// TestMessagesHashVector is the test vector of messages_hash.
func TestMessagesHashVector(t *testing.T) {
	for _, body := range []string{user(`{"text":"hi"}`), `{"contents":{"parts":{"text":"hi"}}}`} {
		sum := sha256.Sum256([]byte(messagesOf(t, GenerateContent{}, body)))
		if got, want := hex.EncodeToString(sum[:]), "1407317499301e010711f113b3deab38590ed367cf5ac50b9b464c5532b0bd2c"; got != want {
			t.Errorf("%s: %s", body, got)
		}
	}
}

// TestMessagesHoldWhatIsNoText: of media and thoughts the hash stands in their
// place; the words of the provider's tools are read.
func TestMessagesHoldWhatIsNoText(t *testing.T) {
	hashed := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	const thought, image, file, code = `{"text":"t","thought":true}`, `{"inlineData":{"mimeType":"image/png","data":"AA=="}}`,
		`{"fileData":{"mimeType":"application/pdf","fileUri":"gs://b"}}`, `{"executableCode":{"language":"PYTHON","code":"c"}}`
	got := messagesOf(t, GenerateContent{}, `{"contents":[{"role":"model","parts":[`+thought+`,`+image+`,`+file+`,`+code+`,{"x":1},{"text":"a"}]}]}`)
	want := `[{"parts":[{"sha256":"` + hashed(thought) + `","type":"thinking"},{"sha256":"` + hashed(image) + `","type":"image"},` +
		`{"sha256":"` + hashed(file) + `","text":"gs://b","type":"file"},{"sha256":"` + hashed(code) + `","text":"c","type":"executableCode"},` +
		`{"sha256":"` + hashed(`{"x":1}`) + `","type":"unknown"},{"text":"a","type":"text"}],"role":"assistant","text":"gs://b\nc\na","tool_calls":[],"tool_results":[]}]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}
