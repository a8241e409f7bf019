package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/headgate/headgate/wire/strictjson"
)

// Message is one message of a conversation in the shape that every dialect is
// brought to, for [AppendMessages].
type Message struct {
	Role    string // "system", "user", "assistant" or "tool"
	Parts   []Part
	Calls   []Call
	Results []MessageResult
	// More are texts of the message that are no part of it, such as a refusal.
	More []string
}

// Part is one part of a message. A text has neither Kind nor Raw. Others have
// a kind ("image", "audio", "file", …) and the bytes that the conversation's
// hash binds, and may say something besides.
type Part struct {
	Kind string
	Raw  []byte
	Text string
	Says bool // Text counts, in a part that has a Kind
}

// MessageResult is a tool's result in a message of the role tool, whose text
// is the message's.
type MessageResult struct{ ID string }

// Text is what the message says, its texts joined by newlines.
func (m *Message) Text() string {
	var texts []string
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind == "" || p.Says {
			texts = append(texts, p.Text)
		}
	}
	return strings.Join(append(texts, m.More...), "\n")
}

// Conversation is the normalised conversation, as [Request.Messages] gives it.
func Conversation(list []Message) []byte {
	b := []byte{'['}
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = list[i].append(b)
	}
	return canonical(append(b, ']'))
}

func (m *Message) append(b []byte) []byte {
	text := m.Text()
	b = append(b, `{"role":`...)
	b = strictjson.AppendQuoted(b, m.Role)
	b = append(b, `,"text":`...)
	b = strictjson.AppendQuoted(b, text)
	b = append(b, `,"parts":[`...)
	for i := range m.Parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = m.Parts[i].append(b)
	}
	b = append(b, `],"tool_calls":`...)
	b = appendCalls(b, m.Calls, true)
	b = append(b, `,"tool_results":[`...)
	for i, r := range m.Results {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = strictjson.AppendQuoted(b, r.ID)
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, text)
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func (p *Part) append(b []byte) []byte {
	kind := p.Kind
	if kind == "" {
		kind = "text"
	}
	b = append(b, `{"type":`...)
	b = strictjson.AppendQuoted(b, kind)
	if p.Kind != "" {
		sum := sha256.Sum256(p.Raw)
		b = append(b, `,"sha256":"`...)
		b = hex.AppendEncode(b, sum[:])
		b = append(b, '"')
	}
	if p.Kind == "" || p.Says {
		b = append(b, `,"text":`...)
		b = strictjson.AppendQuoted(b, p.Text)
	}
	return append(b, '}')
}
