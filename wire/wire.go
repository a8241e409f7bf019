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

import (
	"net/http"
	"net/url"

	"github.com/headgate/headgate/wire/frame"
)

// Dialect is a family of endpoints below one path prefix.
type Dialect interface {
	Refuser
	// Name is the word of the configuration: "openai".
	Name() string
	// Endpoints lists every endpoint that is known. What is not listed is
	// refused.
	Endpoints() []Endpoint
	// SetCredential puts an upstream credential into the dialect's own header.
	SetCredential(h http.Header, key string)
}

// Endpoint is one known method and path.
type Endpoint struct {
	Method string
	// Path is relative to the prefix under which the dialect is served and
	// starts with a slash: "/chat/completions". It may hold wildcards, each in
	// a segment of its own, with literal text around it:
	// "/models/{model}:generateContent".
	Path string
	// Codec is nil for an endpoint that is known and refused.
	Codec Codec
	// Refused says why, where Codec is nil.
	Refused string
	// Media are the media types that the request's body may have; where it is
	// empty, application/json alone.
	Media []string
	// Bodyless marks an endpoint whose requests have no body.
	Bodyless bool
}

// Codec reads the requests and replies of one endpoint. A Codec is immutable;
// what it returns belongs to one exchange. One that is a [Refuser] too writes the
// refusals of its endpoint; others leave that to their dialect.
//
// A codec is one of the kinds that this package has: [ChatCodec], [MediaCodec],
// [ListCodec], [RecordCodec], [BatchCodec], [ResultsCodec], [RPCCodec] or
// [ToolCodec].
type Codec interface {
	// Protocol is what policies and the audit call this API: "openai.chat".
	Protocol() string
}

// ChatCodec is the codec of an endpoint that takes a prompt and gives a
// model's reply.
type ChatCodec interface {
	Codec
	// Request reads a request. Errors are *[Error]; a request that does not
	// pass is refused with 400.
	Request(in Incoming) (Request, error)
	// Reply reads a successful JSON reply. Errors are *[Error].
	Reply(body []byte) (Reply, error)
	// Stream starts reading a streamed reply.
	Stream(o StreamOptions) Stream
}

// Incoming is a request as a codec reads it.
type Incoming struct {
	// Params are what the path's wildcards stand for. A wildcard named "model"
	// names the request's model.
	Params Params
	Query  url.Values
	Header http.Header
	// Body must not change while what was read of it is in use.
	Body []byte
}

// Params are what the wildcards of a path stand for.
type Params map[string]string

// Framer is a codec whose streams are framed otherwise than as server-sent
// events.
type Framer interface {
	// Format gives the format of a reply of some media type, nil where it is
	// no stream; stream tells whether the request asked for one.
	Format(media string, stream bool) frame.Format
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
