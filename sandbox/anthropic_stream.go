package sandbox

import "encoding/json"

// messageStream writes one message as Anthropic's events.
// Source: https://platform.claude.com/docs/en/build-with-claude/streaming
type messageStream struct{ *stream }

// blockEvent is an event about one block.
type blockEvent struct {
	Type  string          `json:"type"`
	Index int             `json:"index"`
	Block *anthropicBlock `json:"content_block,omitempty"`
	Delta *blockDelta     `json:"delta,omitempty"`
}

// blockDelta is what one event adds to a block, in the field of its type.
type blockDelta struct {
	Type        string  `json:"type"`
	Text        *string `json:"text,omitempty"`
	Thinking    *string `json:"thinking,omitempty"`
	Signature   *string `json:"signature,omitempty"`
	PartialJSON *string `json:"partial_json,omitempty"`
}

// messageDelta ends a message.
type messageDelta struct {
	Type  string `json:"type"`
	Delta struct {
		StopReason   *string `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	} `json:"delta"`
	Usage struct {
		OutputTokens int `json:"output_tokens"`
	} `json:"usage"`
}

type typedEvent struct {
	Type string `json:"type"`
}

// run sends the whole stream.
func (s *messageStream) run(m *anthropicMessage) {
	start := *m
	start.Content, start.StopReason, start.Usage.OutputTokens = []anthropicBlock{}, nil, 1
	s.event("message_start", struct {
		Type    string            `json:"type"`
		Message *anthropicMessage `json:"message"`
	}{"message_start", &start})
	s.event("ping", typedEvent{"ping"})
	for i := range m.Content {
		s.block(i, &m.Content[i])
	}
	end := messageDelta{Type: "message_delta"}
	end.Delta.StopReason, end.Usage.OutputTokens = m.StopReason, m.Usage.OutputTokens
	s.event("message_delta", end)
	s.event("message_stop", typedEvent{"message_stop"})
}

// block sends a block: its start without what it holds, that in pieces, its
// stop.
func (s *messageStream) block(i int, b *anthropicBlock) {
	empty := ""
	start := anthropicBlock{Type: b.Type, ID: b.ID, Name: b.Name}
	text := b.args
	delta := func(piece string) *blockDelta { return &blockDelta{Type: "input_json_delta", PartialJSON: &piece} }
	switch b.Type {
	case blockText:
		text, start.Text = *b.Text, &empty
		delta = func(piece string) *blockDelta { return &blockDelta{Type: "text_delta", Text: &piece} }
	case blockThinking:
		text, start.Thinking, start.Signature = *b.Thinking, &empty, &empty
		delta = func(piece string) *blockDelta { return &blockDelta{Type: "thinking_delta", Thinking: &piece} }
	case blockToolUse:
		start.Input = json.RawMessage("{}")
	}
	s.event("content_block_start", blockEvent{Type: "content_block_start", Index: i, Block: &start})
	for p := range s.pieces(text) {
		s.event("content_block_delta", blockEvent{Type: "content_block_delta", Index: i, Delta: delta(p)})
	}
	if b.Signature != nil {
		s.event("content_block_delta", blockEvent{Type: "content_block_delta", Index: i, Delta: &blockDelta{Type: "signature_delta", Signature: b.Signature}})
	}
	s.event("content_block_stop", blockEvent{Type: "content_block_stop", Index: i})
}
