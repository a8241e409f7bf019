package wire

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// Response is a model's reply in the shape that every dialect is brought to.
type Response struct {
	Choices []Choice
	Usage   *Usage
}

// Choice is one of the alternatives of a reply.
type Choice struct {
	Index        int
	Content      string
	Refusal      string
	Reasoning    string
	FinishReason string
	Calls        []Call
}

// Text is what the choice says: its content and its refusal, joined by a
// newline where there are both.
func (c *Choice) Text() string {
	switch {
	case c.Refusal == "":
		return c.Content
	case c.Content == "":
		return c.Refusal
	}
	return c.Content + "\n" + c.Refusal
}

// JSON is the reply as policies see it, in canonical form:
//
//	{"choices": [{"index", "text", "reasoning", "tool_calls": [{"id", "name", "args"}], "finish_reason"}],
//	 "text": "all texts, joined by a newline", "usage": {"input_tokens", "output_tokens"}}
func (r *Response) JSON() []byte {
	b := []byte(`{"choices":[`)
	for i := range r.Choices {
		c := &r.Choices[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"finish_reason":`...)
		b = strictjson.AppendQuoted(b, c.FinishReason)
		b = append(b, `,"index":`...)
		b = strconv.AppendInt(b, int64(c.Index), 10)
		b = append(b, `,"reasoning":`...)
		b = strictjson.AppendQuoted(b, c.Reasoning)
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, c.Text())
		b = append(b, `,"tool_calls":`...)
		b = appendCalls(b, c.Calls, true)
		b = append(b, '}')
	}
	b = append(b, `],"text":`...)
	b = strictjson.AppendQuoted(b, r.joined())
	if r.Usage != nil {
		b = append(b, `,"usage":{"input_tokens":`...)
		b = strconv.AppendInt(b, r.Usage.Input, 10)
		b = append(b, `,"output_tokens":`...)
		b = strconv.AppendInt(b, r.Usage.Output, 10)
		b = append(b, '}')
	}
	return canonical(append(b, '}'))
}

// HashForm is what response_hash is taken over, in canonical form: for each
// choice its text and its tool calls, without ids, usage or reasons to stop,
// so that the same words have the same hash whoever said them.
//
//	[{"text":"Hello","tool_calls":[{"args":{},"name":"f"}]}]
//
// whose SHA-256 is 6b39f6a90e4d183f79e2de5a87a0b9528f583aa05855de9889299e8329fc1801.
func (r *Response) HashForm() []byte {
	b := []byte{'['}
	for i := range r.Choices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"text":`...)
		b = strictjson.AppendQuoted(b, r.Choices[i].Text())
		b = append(b, `,"tool_calls":`...)
		b = appendCalls(b, r.Choices[i].Calls, false)
		b = append(b, '}')
	}
	return canonical(append(b, ']'))
}

func (r *Response) joined() string {
	var texts []string
	for i := range r.Choices {
		if t := r.Choices[i].Text(); t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n")
}

func appendCalls(b []byte, calls []Call, ids bool) []byte {
	b = append(b, '[')
	for i := range calls {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendCall(b, &calls[i], ids)
	}
	return append(b, ']')
}

// AppendCall appends a normalised tool call: {"id"?, "name", "args"}, where
// args is the parsed value, or the text as a string where it is not JSON.
func AppendCall(b []byte, c *Call, id bool) []byte {
	b = append(b, `{"args":`...)
	if args, err := c.ArgsJSON(); err == nil {
		b = append(b, args...)
	} else {
		b = strictjson.AppendQuoted(b, c.Args)
	}
	if id {
		b = append(b, `,"id":`...)
		b = strictjson.AppendQuoted(b, c.ID)
	}
	b = append(b, `,"name":`...)
	b = strictjson.AppendQuoted(b, c.Name)
	return append(b, '}')
}

// ArgsJSON is the arguments as gated JSON in canonical form: `{}` where there
// are none, a string where the tool takes free text. It fails where the model
// wrote something that is not JSON or does not pass the strict gate.
//
// It is what args_hash is taken over: the SHA-256 of `{}` is
// 44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a.
func (c *Call) ArgsJSON() ([]byte, error) {
	if c.Free {
		return canonical(strictjson.AppendQuoted(nil, c.Args)), nil
	}
	if strings.TrimSpace(c.Args) == "" {
		return []byte("{}"), nil
	}
	doc, err := strictjson.Parse([]byte(c.Args), strictjson.Limits{Depth: maxArgsDepth})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	return strictjson.AppendCanonical(make([]byte, 0, len(c.Args)), doc.Root())
}

// maxArgsDepth leaves room for the arrays and objects that a conversation puts
// around the arguments.
const maxArgsDepth = strictjson.DefaultDepth - 8

// maxOwnNodes lets JSON pass that was made of a body of as many values as the
// gate takes: a message says more of itself in the normalised form.
const maxOwnNodes = 8 * strictjson.DefaultNodes

// canonical brings JSON that was written here into canonical form.
func canonical(b []byte) []byte {
	doc, err := strictjson.Parse(b, strictjson.Limits{Nodes: maxOwnNodes})
	if err != nil {
		panic("wire: own JSON does not pass the gate: " + err.Error())
	}
	defer doc.Release()
	out, err := strictjson.AppendCanonical(make([]byte, 0, len(b)), doc.Root())
	if err != nil {
		panic("wire: own JSON has no canonical form: " + err.Error())
	}
	return out
}
