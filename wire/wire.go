// Package wire says what the bytes of an exchange mean.
//
// A [Dialect] is a family of endpoints that speak alike (OpenAI's, say). Each
// [Endpoint] has a [Codec], which reads one kind of request and its replies,
// JSON or streamed, into the few things that a gate has to look at (the model,
// the tools, every text, every tool call) together with the byte spans at
// which they stand, and writes decisions back into those bytes. What no
// decision touches stays byte for byte as it was.
//
// The package and its dialects know nothing of policies, detectors or logs.
package wire

import "net/http"

// Dialect is a family of endpoints below one path prefix.
type Dialect interface {
	Refuser
	// Name is the word of the configuration: "openai".
	Name() string
	// Endpoints lists every endpoint that is governed. What is not listed is
	// unknown, and refused.
	Endpoints() []Endpoint
	// SetCredential puts an upstream credential into the dialect's own header.
	SetCredential(h http.Header, key string)
}

// Endpoint is one governed method and path.
type Endpoint struct {
	Method string
	// Path is relative to the prefix under which the dialect is served and
	// starts with a slash: "/chat/completions".
	Path  string
	Codec Codec
}

// Codec reads the requests and replies of one endpoint. A Codec is immutable;
// what it returns belongs to one exchange. One that is a [Refuser] too writes the
// refusals of its endpoint; others leave that to their dialect.
type Codec interface {
	// Protocol is what policies and the audit call this API: "openai.chat".
	Protocol() string
	// Request reads a request's body. The body must not change while the
	// Request is in use. Errors are *[Error]; a body that does not pass is
	// refused with 400.
	Request(body []byte) (Request, error)
	// Reply reads a successful JSON reply. Errors are *[Error].
	Reply(body []byte) (Reply, error)
	// Stream starts reading a streamed reply.
	Stream(o StreamOptions) Stream
}

// Error says why a body was not understood. The reason is a fixed phrase and
// never holds a piece of the body.
type Error struct {
	Reason string
	// Path names the field, for example "messages[2].content"; it is made of
	// known names and indices only. Empty where the body as a whole is meant.
	Path string
	// Err is the cause, where another package found the fault.
	Err error
}

func (e *Error) Error() string {
	s := e.Reason
	if e.Err != nil {
		s = e.Err.Error()
	}
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
