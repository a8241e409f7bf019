package caddymodule

import (
	"maps"
	"strings"
)

// formOf is a form with the boundary b: names and contents in turn; a name with
// a colon is that of a file.
func formOf(parts ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(parts); i += 2 {
		name, file, isFile := strings.Cut(parts[i], ":")
		b.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + name + "\"")
		if isFile {
			b.WriteString("; filename=\"" + file + "\"")
		}
		b.WriteString("\r\n\r\n" + parts[i+1] + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

func init() {
	const (
		form     = "multipart/form-data; boundary=b"
		noPrompt = "it carries no prompt, and no model answers"
		kept     = "it hands out what was kept; TestEachResultOfABatchIsDecidedAlone of package enforce"
	)
	transcript := everyExchange{
		media: form, request: formOf("model", "m", "stream", "STREAM", "prompt", `"TEXT"`, "file:a.wav", "RIFF"),
		reply: `{"text":"write to MAIL now"}`,
		stream: sse(`{"type":"transcript.text.delta","delta":"write to MA"}`, `{"type":"transcript.text.delta","delta":"IL now"}`,
			`{"type":"transcript.text.done","text":"write to MAIL now"}`),
	}
	maps.Copy(everyAPI, map[string]everyExchange{
		"openai POST /images/generations": {
			request: `{"model":"m","prompt":"TEXT"}`,
			reply:   `{"created":1,"data":[{"url":"https://x.test/1","revised_prompt":"write to MAIL now"}]}`,
		},
		"openai POST /images/edits": {
			media: form, request: formOf("model", "m", "prompt", `"TEXT"`, "image[]:a.png", "PNG"),
			reply: `{"created":1,"data":[{"b64_json":"AAAA","revised_prompt":"write to MAIL now"}]}`,
		},
		"openai POST /images/variations":    {why: "its prompt is an image"},
		"openai POST /audio/speech":         {request: `{"model":"m","input":"TEXT","voice":"v"}`},
		"openai POST /audio/transcriptions": transcript,
		"openai POST /audio/translations":   transcript,

		"openai POST /files": {
			media:   form,
			request: formOf("purpose", "batch", "file:in.jsonl", `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"TEXT"}]}}`),
		},
		"openai GET /files":                   {why: noPrompt},
		"openai GET /files/{file}":            {why: noPrompt},
		"openai DELETE /files/{file}":         {why: noPrompt},
		"openai GET /files/{file}/content":    {why: kept},
		"openai POST /batches":                {why: noPrompt},
		"openai GET /batches":                 {why: noPrompt},
		"openai GET /batches/{batch}":         {why: noPrompt},
		"openai POST /batches/{batch}/cancel": {why: noPrompt},
		"openai GET /models":                  {why: noPrompt},
		"openai GET /models/{model}":          {why: noPrompt},

		"anthropic POST /batches":                {request: `{"requests":[{"custom_id":"1","params":{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"TEXT"}]}}]}`},
		"anthropic GET /batches":                 {why: noPrompt},
		"anthropic GET /batches/{batch}":         {why: noPrompt},
		"anthropic DELETE /batches/{batch}":      {why: noPrompt},
		"anthropic POST /batches/{batch}/cancel": {why: noPrompt},
		"anthropic GET /batches/{batch}/results": {why: kept},
	})
}
