// Package sandbox is a model that needs no key and no network: an
// [http.Handler] that answers like a small OpenAI-compatible endpoint, the same
// answer to the same request every time. The first run, the tests and whoever
// writes a policy use it as the upstream.
//
// It answers POST /v1/chat/completions (JSON and server-sent events),
// GET /v1/models and GET /v1/models/{id}. Every model name exists and is given
// back as asked. Any other path is a 404, another method a 405, a body that it
// cannot read a 400, all in OpenAI's error shape. Fields that it does not know
// are ignored.
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
//
// # Commands
//
// A line of the last user message that starts with one of these words is a
// command. Commands may be mixed, also with other lines; they are left out of
// what it repeats. One that is malformed is a 400 that says what it wants.
//
//	/say TEXT          the content; several lines are joined by newlines
//	/echo              the content is the request body, byte for byte
//	/reason TEXT       reasoning_content, before the content
//	/refuse TEXT       a refusal instead of content
//	/call NAME [JSON]  a tool call; several are parallel calls. The JSON is the
//	                   arguments string, verbatim and unchecked; {} if absent.
//	                   A custom tool of the request gets the rest of the line as input
//	/finish REASON     the finish_reason
//	/chunk N           stream in pieces of N runes, 1 to 4096 (default 5)
//	/pause DURATION    wait between stream events, at most 5s (Go's syntax: 20ms);
//	                   a JSON reply waits once
//	/cut N             break the connection off after N stream events; a JSON
//	                   reply breaks off in its middle, with 0 before its first byte
//	/status N [TEXT]   an HTTP error of that status, 400 to 599, instead of a reply;
//	                   429 has retry-after and the x-ratelimit headers
//
// Without /say, /echo, /refuse and /call the default above applies. Once the
// tools have answered, the commands of the message before have been carried out:
// only /chunk and /pause still apply, so that an agent's loop comes to its end.
//
// When no command says what to answer, a tool_choice that demands a function
// ("required", or one by name) is met by a call of it, of the first tool for
// "required", with {} as its arguments.
//
// # Choices, tokens, ids
//
// n, 1 to 16, gives that many choices; " (choice I)" is appended to the text of
// choice I > 0, and a stream interleaves the choices. A token is a piece of /chunk
// runes: each text counts as its runes divided by that, rounded up. usage counts so
// the messages' texts, and the reply's content, reasoning, refusal and arguments;
// logprobs give one token for each piece, always with the same probability.
// Ids are taken from the SHA-256 of the request body; created is 2026-01-01.
package sandbox
