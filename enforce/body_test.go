package enforce_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/enforce"
)

// TestBodiesThatAreRefused: nothing of them reaches the upstream, the client
// gets 400, and one line says why.
func TestBodiesThatAreRefused(t *testing.T) {
	msg := `"messages":[{"role":"user","content":"hi"}]`
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for name, body := range map[string]string{
		"duplicate key":                 `{"model":"a","model":"b",` + msg + `}`,
		"duplicate by an escape":        `{"model":"a","m\u006fdel":"b",` + msg + `}`,
		"duplicate deep down":           `{"model":"a","metadata":{"x":{"k":1,"k":2}},` + msg + `}`,
		"Model beside model":            `{"model":"a","Model":"b",` + msg + `}`,
		"Model alone":                   `{"Model":"b",` + msg + `}`,
		"long s":                        `{"model":"a",` + msg + `,"me\u017f\u017fages":[]}`,
		"ROLE in a message":             `{"model":"a","messages":[{"role":"user","ROLE":"system","content":"x"}]}`,
		"Arguments in a call":           `{"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"{}","Arguments":"{}"}}]}]}`,
		"control character in a key":    "{\"model\":\"a\",\"x\\u0000\":1," + msg + "}",
		"trailing bytes":                `{"model":"a",` + msg + `}x`,
		"two documents":                 `{"model":"a",` + msg + `}` + "\n" + `{"model":"b",` + msg + `}`,
		"byte order mark":               "\ufeff" + `{"model":"a",` + msg + `}`,
		"UTF-16":                        "{\x00\"\x00m\x00\"\x00}\x00",
		"comment":                       `{"model":"a",/* x */` + msg + `}`,
		"trailing comma":                `{"model":"a",` + msg + `,}`,
		"NaN":                           `{"model":"a","n":NaN,` + msg + `}`,
		"leading zero":                  `{"model":"a","n":01,` + msg + `}`,
		"raw control character":         "{\"model\":\"a\nb\"," + msg + "}",
		"invalid UTF-8":                 "{\"model\":\"a\xff\"," + msg + "}",
		"lone surrogate":                `{"model":"a\ud800",` + msg + `}`,
		"too deep":                      `{"model":"a","x":` + deep + `,` + msg + `}`,
		"a hundred thousand brackets":   strings.Repeat("[", 100_000),
		"number beyond a double":        `{"model":"a","n":1e999,` + msg + `}`,
		"no object":                     `["model"]`,
		"empty":                         "",
		"a stream flag that is a word":  `{"model":"a","stream":"true",` + msg + `}`,
		"several models":                `{"model":"a","models":["b"],` + msg + `}`,
		"a part that nobody knows":      `{"model":"a","messages":[{"role":"user","content":[{"type":"hologram","x":"y"}]}]}`,
		"a message that is not one":     `{"model":"a","messages":["hi"]}`,
		"more than 4,096 keys":          `{"model":"a","metadata":{` + manyKeys(4097) + `},` + msg + `}`,
		"a root that is a number":       `1`,
		"a key that holds a delete":     "{\"model\":\"a\",\"x\\u007f\":1," + msg + "}",
		"arguments that are an object":  `{"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":{}}}]}]}`,
		"tools that are an object":      `{"model":"a","tools":{"0":{}},` + msg + `}`,
		"two functions in a call's key": `{"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f"},"function":{"name":"g"}}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			log := &book{}
			w := exchange(gate(t, rules{}, log, nil), chatRequest(body), func(*enforce.Reply, *http.Request) error {
				t.Error("the upstream was asked")
				return nil
			})
			if w.Code != http.StatusBadRequest || log.story() != "request deny" || log.lines[0].Reason == "" {
				t.Errorf("status %d, audit %q: %s", w.Code, log.story(), w.Body)
			}
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strconv.Itoa(i) + `":0`)
	}
	return b.String()
}

// TestAnAllowedBodyGoesOnAsItCame, byte for byte, whatever is odd about it.
func TestAnAllowedBodyGoesOnAsItCame(t *testing.T) {
	for name, body := range map[string]string{
		"white space and order": "\n{ \"stream\" :false,\t\"messages\":[ {\"content\":\"hi\",\"role\":\"user\"} ],\r\n \"model\":\"a\" }\n",
		"big numbers":           `{"model":"a","seed":9007199254740993,"temperature":0.10,"messages":[]}`,
		"escapes":               `{"model":"a","messages":[{"role":"user","content":"\u0041\/\u00e9\ud83d\ude00"}]}`,
		"schema keys by case":   `{"model":"a","tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"-i":{},"-I":{}}}}}],"messages":[]}`,
		"odd keys":              `{"model":"a","metadata":{"a.b":"1","*":"2","#":"3","@this":"4","x|y":"5","0":"6","-1":"7","100000":"8"},"messages":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := chatRequest(body)
			asked := false
			exchange(gate(t, rules{}, &book{}, withRedaction("*")), r, func(_ *enforce.Reply, r *http.Request) error {
				asked = true
				got, err := io.ReadAll(r.Body)
				if err != nil || sha256.Sum256(got) != sha256.Sum256([]byte(body)) || r.ContentLength != int64(len(body)) {
					t.Errorf("%v: upstream got %q", err, got)
				}
				return nil
			})
			if !asked {
				t.Error("refused")
			}
		})
	}
}

// TestRedactionUnderOddKeys changes the one value that has to change.
func TestRedactionUnderOddKeys(t *testing.T) {
	for _, key := range []string{"a.b", "*", "#", "@this", "x|y", "0", "-1", "100000", `\u0061`, `q\"`, ""} {
		body := `{"model":"a","metadata":{"` + key + `":"see \u0040 bob@example.com\n","z":"\u00e9"},"messages":[]}`
		g := gate(t, rules{}, &book{}, func(c *enforce.Config) {
			withRedaction("EMAIL")(c)
			c.Redact.Request = c.Redact.Response
		})
		exchange(g, chatRequest(body), func(_ *enforce.Reply, r *http.Request) error {
			got, _ := io.ReadAll(r.Body)
			if want := strings.Replace(body, "bob@example.com", "[EMAIL]", 1); string(got) != want {
				t.Errorf("key %q\n got %s\nwant %s", key, got, want)
			}
			return nil
		})
	}
}

type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("connection reset")
	}
	return n, err
}

func TestABodyThatBreaksOffIsNotAShorterOne(t *testing.T) {
	log := &book{}
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", failing{strings.NewReader(`{"model":"a","messages":[]}`)})
	r.Header.Set("Content-Type", "application/json")
	w := exchange(gate(t, rules{}, log, nil), r, nil)
	if w.Code != http.StatusBadRequest || !strings.HasPrefix(log.lines[0].Reason, "aborted") {
		t.Errorf("status %d, audit %q", w.Code, log.lines[0].Reason)
	}
}

func TestTooLargeIsNotReadToItsEnd(t *testing.T) {
	g := gate(t, rules{}, &book{}, func(c *enforce.Config) { c.MaxBody = 1000 })
	for _, known := range []bool{true, false} {
		body := strings.NewReader(strings.Repeat(" ", 1<<20))
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", body)
		r.Header.Set("Content-Type", "application/json")
		if !known {
			r.ContentLength = -1
		}
		w := exchange(g, r, nil)
		if read := 1<<20 - body.Len(); w.Code != http.StatusRequestEntityTooLarge || read > 1000+64<<10 {
			t.Errorf("length known %v: status %d, %d bytes read", known, w.Code, read)
		}
	}
}
