package wire

import "github.com/headgate/headgate/wire/strictjson"

// Reply is a model's whole reply, as far as a gate looks at it.
type Reply interface {
	// Model is the model that the upstream says has answered.
	Model() string
	// Texts lists every text of every choice: content, refusal, reasoning and
	// whatever else carries words. Tool calls are not among them.
	Texts() []Text
	// Calls lists the tool calls that the reply asks the agent to make.
	Calls() []Call
	// Response is the normalised reply, see [Response].
	Response() *Response
	// Rewrite returns the body with texts replaced and with the verdicts on
	// Calls carried out; verdicts is as long as Calls. A choice of which a
	// text is replaced loses its copies of that text (log probabilities).
	Rewrite(texts []strictjson.Replacement, verdicts []Verdict) ([]byte, error)
}

// Call is a tool call that a model asks for.
type Call struct {
	// Choice and Index are the protocol's own.
	Choice, Index int
	ID, Name      string
	// Args is the arguments' text as the model wrote it: JSON, or free text
	// where Free is set.
	Args string
	Free bool
}

// Verdict is what becomes of one tool call.
type Verdict struct {
	// Denied replaces the call by Text.
	Denied bool
	Text   string
	// Args, if not nil, replaces the arguments' text.
	Args *string
}

// Untouched tells whether the call goes on exactly as it came.
func (v Verdict) Untouched() bool { return !v.Denied && v.Args == nil }

// Usage is what the upstream says was spent, in tokens.
type Usage struct{ Input, Output int64 }
