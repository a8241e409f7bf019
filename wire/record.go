package wire

// RecordCodec is the codec of an endpoint about something that the upstream
// keeps (a file, a batch), whose requests carry no prompt and whose replies
// are no model's.
//
// No stage decides it: the request leaves one line, and what the configuration
// redacts is redacted both ways.
type RecordCodec interface {
	Codec
	// Ask reads a request. Errors are *[Error]. A request that speaks of things
	// which are kept is a [Referrer].
	Ask(in Incoming) (Request, error)
	// Record reads a successful JSON reply. Errors are *[Error]. A reply that
	// tells of things which are kept now is a [Creator].
	Record(body []byte) (Reply, error)
}

// Item is a request, or a reply, that stands inside a body.
type Item struct {
	// Name says where it stands: "line 3", "requests[2]".
	Name string
	// Endpoint is the path that it is meant for, as the audit tells it, and
	// Codec that of its endpoint.
	Endpoint string
	Codec    ChatCodec
	// Start and End bound the request's or the reply's own body.
	Start, End int
	// From and To bound what a denial of a reply replaces, and Denied gives
	// what then stands there. Requests have none.
	From, To int
	Denied   func(Refusal) []byte
}

// Batch is a body of requests: each is decided as if it had come alone, and
// one that is refused refuses all.
type Batch struct {
	Items []Item
	// Rest is what else there is. Where Prompt is set it is decided like a
	// prompt; otherwise only its texts are of interest, and its references.
	Rest   Request
	Prompt bool
}

// BatchCodec is the codec of an endpoint that takes a body of requests, and
// answers with a record of it.
type BatchCodec interface {
	Codec
	// Batch reads a request. Errors are *[Error].
	Batch(in Incoming) (*Batch, error)
	// Record reads a successful JSON reply; see [RecordCodec].
	Record(body []byte) (Reply, error)
}

// Results is what a request for kept content brings back: replies to the
// requests of a batch, a text, or what cannot be looked into.
type Results struct {
	Items []Item
	// Whole is the reply that is decided as one, where it is no list of
	// replies; it may be nil.
	Whole Reply
	// Words are texts beside the items.
	Words []Text
	// Unscanned names what cannot be looked into; it passes only where the
	// operator allows it.
	Unscanned string
}

// ResultsCodec is the codec of an endpoint that hands out kept content.
type ResultsCodec interface {
	Codec
	// Ask reads a request; see [RecordCodec].
	Ask(in Incoming) (Request, error)
	// Results reads a successful reply of whatever media type. Errors are
	// *[Error].
	Results(body []byte) (*Results, error)
}
