package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// chatRequest returns a chat request of about size bytes: a system prompt, turns
// with code in them (many escapes), tools.
func chatRequest(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"model":"gpt-4o","stream":true,"temperature":0.7,"max_tokens":1024,"tools":[{"type":"function","function":` +
		`{"name":"get_weather","description":"The weather at a place","parameters":{"type":"object","properties":` +
		`{"city":{"type":"string","description":"a city"},"unit":{"type":"string","enum":["c","f"]}},"required":["city"]}}}],` +
		`"messages":[{"role":"system","content":"You are a helpful assistant. Answer in one sentence."}`)
	for i := 0; b.Len() < size-500; i++ {
		fmt.Fprintf(&b, `,{"role":"user","content":"%s"}`, "Line "+strings.Repeat(`if err != nil {\n\treturn fmt.Errorf(\"read %w\", err)\n}\nand some plain prose that goes on for a while, as people do, `, 2))
		fmt.Fprintf(&b, `,{"role":"assistant","content":null,"tool_calls":[{"id":"call_%d","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Zürich\"}"}}]}`, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func bodies() map[string][]byte {
	prose := `{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("The quick brown fox jumps over the lazy dog. ", 1<<20/45) + `"}]}`
	numbers := `{"input":[` + strings.Repeat("15339,1917,11,", 1<<20/14) + `0]}`
	return map[string][]byte{
		"chat-2KB": chatRequest(2 << 10), "chat-1MB": chatRequest(1 << 20), "prose-1MB": []byte(prose), "tokens-1MB": []byte(numbers),
	}
}

func BenchmarkParse(b *testing.B) {
	for name, body := range bodies() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := Parse(body, Limits{})
				if err != nil {
					b.Fatal(err)
				}
				d.Release()
			}
		})
	}
}

// BenchmarkJSONText is the validation alone by jsontext, without a tape.
func BenchmarkJSONText(b *testing.B) {
	for name, body := range bodies() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if !jsontext.Value(body).IsValid() {
					b.Fatal("refused")
				}
			}
		})
	}
}

// BenchmarkJSONTextTokens is what a tape built on jsontext would cost at least.
func BenchmarkJSONTextTokens(b *testing.B) {
	for name, body := range bodies() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var dec jsontext.Decoder
			var r bytes.Reader
			for b.Loop() {
				r.Reset(body)
				dec.Reset(&r)
				for {
					if _, err := dec.ReadToken(); err != nil {
						break
					}
				}
			}
		})
	}
}

func BenchmarkEncodingJSONValid(b *testing.B) {
	body := chatRequest(2 << 10)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !json.Valid(body) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParseHostile(b *testing.B) {
	for _, tt := range hostile() {
		body := []byte(tt.body)
		b.Run(tt.name, func(b *testing.B) {
			for b.Loop() {
				if d, err := Parse(body, Limits{}); err == nil {
					d.Release()
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	d, err := Parse(chatRequest(64<<10), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Release()
	b.ReportAllocs()
	for b.Loop() {
		if !d.Root().Get("messages").Exists() || d.Root().Get("absent").Exists() {
			b.Fatal("wrong member")
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	d, err := Parse(chatRequest(2<<10), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Release()
	b.SetBytes(int64(len(d.Bytes())))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		if dst, err = AppendCanonical(dst[:0], d.Root()); err != nil {
			b.Fatal(err)
		}
	}
}
