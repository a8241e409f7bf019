// Package sandbox is a model, and a few tools, that need no key and no network:
// an [http.Handler] that answers like a small OpenAI-, Anthropic-, Gemini- and
// MCP-compatible endpoint, the same answer to the same request every time. The
// first run, the tests and whoever writes a policy use it as the upstream.
//
// It answers, in JSON and in streams:
//
//	POST /v1/chat/completions               OpenAI's chat completions
//	POST /v1/responses                      OpenAI's responses
//	POST /v1/completions                    OpenAI's completions
//	POST /v1/embeddings                     vectors of 8 numbers, or of dimensions
//	POST /v1/moderations                    flagged: each category that a text names
//	GET  /v1/models, /v1/models/{id}        every model name exists
//	POST /v1/messages                       Anthropic's messages
//	POST /v1/messages/count_tokens
//	POST /v1beta/models/{model}:generateContent, :streamGenerateContent, :countTokens
//	POST /mcp                               tools, see below
//
// Any other path is a 404, another method a 405, a body that it cannot read a
// 400, each in the shape of the dialect, OpenAI's if there is none. A model's
// name is given back as asked. Fields that it does not know are ignored. It
// keeps nothing: what one request said, the next does not know.
//
// # What it says
//
// By default it repeats the text of the last user message, so that one sees at
// once what reached the model:
//
//	You said: <text>
//
// Without a user message, or when that message has no text, it says
// "Hello from the sandbox.". When the conversation ends with the results of
// tools it says "The tool answered: <content>", a line for each of them.
// The prompt of a completion is a user message too.
//
// # Commands
//
// A line of the last user message that starts with one of these words is a
// command. Commands may be mixed, also with other lines; they are left out of
// what it repeats. One that is malformed is a 400 that says what it wants.
//
//	/say TEXT          the content; several lines are joined by newlines
//	/echo              the content is the request body, byte for byte
//	/reason TEXT       reasoning before the content: reasoning_content, a summary
//	                   of a response, thinking with a signature, a thought
//	/refuse TEXT       a refusal instead of content; where a dialect has no place
//	                   for it, the content, with a finish reason that says so
//	/call NAME [JSON]  a tool call; several are parallel calls. The JSON is the
//	                   arguments string, verbatim and unchecked; {} if absent.
//	                   Anthropic and Gemini have an object there: it is checked.
//	                   A custom tool of the request gets the rest of the line as input
//	/finish REASON     the finish_reason or stop_reason, verbatim; a response is
//	                   incomplete for that reason unless it is stop or completed
//	/chunk N           stream in pieces of N runes, 1 to 4096 (default 5)
//	/pause DURATION    wait between stream events, at most 5s (Go's syntax: 20ms);
//	                   a JSON reply waits once
//	/cut N             break the connection off after N stream events; a JSON
//	                   reply breaks off in its middle, with 0 before its first byte
//	/status N [TEXT]   an HTTP error of that status, 400 to 599, instead of a reply;
//	                   429 has retry-after, and the dialect's rate limit headers
//
// Without /say, /echo, /refuse and /call the default above applies. Once the
// tools have answered, the commands of the message before have been carried out:
// only /chunk and /pause still apply, so that an agent's loop comes to its end.
//
// When no command says what to answer, a tool_choice that demands a function
// ("required", "any", Gemini's mode ANY, or one by name) is met by a call of it,
// of the first tool for "required", with {} as its arguments.
//
// # Choices, tokens, ids
//
// n, 1 to 16, gives that many choices; " (choice I)" is appended to the text of
// choice I > 0, and a chat stream interleaves the choices. A token is a piece of
// /chunk runes: each text counts as its runes divided by that, rounded up. usage
// counts so the messages' texts, and the reply's content, reasoning, refusal and
// arguments; logprobs give one token for each piece, always with the same
// probability. Ids are taken from the SHA-256 of the request body; the time is
// 2026-01-01. The numbers of a vector are taken from the SHA-256 of its text.
//
// # Tools
//
// /mcp speaks the Model Context Protocol's streamable HTTP, revisions 2024-11-05
// to 2025-11-25: initialize, ping, tools/list and tools/call. There are no
// sessions, and no stream to GET. Any other method is the error -32601, upon which
// clients of a newer revision fall back to initialize. A call whose _meta has a
// progressToken, or a client that accepts no JSON, is answered as a stream. The
// tools:
//
//	add {a, b}         the sum, as text and as structured content
//	echo {text}        the text; its lines may be commands: /say, /echo and /refuse
//	                   (a result that is an error) say what the result is, /pause,
//	                   /cut and /status work as above
//	lookup {name}      address and telephone number of alice or bob, who are made up
package sandbox
