package caddymodule

const (
	geminiReply = `{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"write to MAIL now"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1},"modelVersion":"m"}`
	geminiCall  = `{"candidates":[{"index":0,"content":{"role":"model","parts":[{"functionCall":{"name":"shell","args":{"cmd":"rm -rf"}}}]},"finishReason":"STOP"}],"modelVersion":"m"}`
	geminiFirst = `{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"write to MA"}]}}]}`
	geminiLast  = `{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"IL now"}]},"finishReason":"STOP"}]}`
	geminiAsk   = `{"contents":[{"role":"user","parts":[{"text":"TEXT"}]}]}`
)

func init() {
	for _, models := range []string{"models/{model}", "tunedModels/{tunedModel}"} {
		path := map[string]string{"models/{model}": "/models/m", "tunedModels/{tunedModel}": "/tunedModels/m"}[models]
		at := func(verb string, a everyExchange) {
			a.path = path + ":" + verb
			everyAPI["gemini POST /"+models+":"+verb] = a
		}
		at("generateContent", everyExchange{request: geminiAsk, reply: geminiReply, call: geminiCall})
		at("streamGenerateContent", everyExchange{
			request: geminiAsk, reply: "[" + geminiFirst + ",\n" + geminiLast + "\n]", call: "[" + geminiCall + "]",
			streamPath: path + ":streamGenerateContent?alt=sse", stream: sse(geminiFirst, geminiLast), callStream: sse(geminiCall),
		})
		at("countTokens", everyExchange{request: geminiAsk})
		at("computeTokens", everyExchange{request: geminiAsk})
		at("embedContent", everyExchange{request: `{"content":{"parts":[{"text":"TEXT"}]}}`})
		at("batchEmbedContents", everyExchange{request: `{"requests":[{"model":"` + path[1:] + `","content":{"parts":[{"text":"TEXT"}]}}]}`})
	}
}
