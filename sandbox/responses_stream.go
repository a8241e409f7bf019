package sandbox

// responsesStream writes one response as OpenAI's events, numbered from 0.
type responsesStream struct {
	*stream
	number int
}

// responsesEvent is one event, each type with its own fields.
// Source: ResponseStreamEvent in OpenAI's OpenAPI document.
type responsesEvent struct {
	Type         string      `json:"type"`
	Number       int         `json:"sequence_number"`
	Response     *response   `json:"response,omitempty"`
	ItemID       string      `json:"item_id,omitempty"`
	OutputIndex  *int        `json:"output_index,omitempty"`
	ContentIndex *int        `json:"content_index,omitempty"`
	SummaryIndex *int        `json:"summary_index,omitempty"`
	Item         *outputItem `json:"item,omitempty"`
	Part         *outputPart `json:"part,omitempty"`
	Delta        *string     `json:"delta,omitempty"`
	Text         *string     `json:"text,omitempty"`
	Refusal      *string     `json:"refusal,omitempty"`
	Name         string      `json:"name,omitempty"`
	Arguments    *string     `json:"arguments,omitempty"`
	Input        *string     `json:"input,omitempty"`
	Logprobs     any         `json:"logprobs,omitempty"`
}

// send numbers an event.
func (s *responsesStream) send(e responsesEvent) {
	e.Number = s.number
	s.number++
	s.event(e.Type, e)
}

// run sends the whole stream.
func (s *responsesStream) run(r *response) {
	start := *r
	start.Status, start.CompletedAt, start.Incomplete = statusInProgress, nil, nil
	start.Output, start.Usage = []outputItem{}, nil
	s.send(responsesEvent{Type: "response.created", Response: &start})
	s.send(responsesEvent{Type: "response.in_progress", Response: &start})
	for i := range r.Output {
		s.item(i, r.Output[i])
	}
	s.send(responsesEvent{Type: "response." + r.Status, Response: r})
}

// item sends an item: that it begins, what it holds in pieces and again whole,
// and the item.
func (s *responsesStream) item(i int, item outputItem) {
	start := item
	if start.Status != "" {
		start.Status = statusInProgress
	}
	empty := ""
	switch item.Type {
	case itemMessage:
		start.Content = []outputPart{}
	case itemReasoning:
		start.Summary = []outputPart{}
	case itemCall:
		start.Arguments = &empty
	case itemCustomCall:
		start.Input = &empty
	}
	s.send(responsesEvent{Type: "response.output_item.added", OutputIndex: &i, Item: &start})
	switch item.Type {
	case itemCall:
		s.texts("response.function_call_arguments", i, item, responsesEvent{Name: item.Name, Arguments: item.Arguments})
	case itemCustomCall:
		s.texts("response.custom_tool_call_input", i, item, responsesEvent{Input: item.Input})
	default:
		s.parts(i, item)
	}
	s.send(responsesEvent{Type: "response.output_item.done", OutputIndex: &i, Item: &item})
}

// parts sends the one part of a message, or of a summary, around its text.
func (s *responsesStream) parts(i int, item outputItem) {
	name, prefix := "response.content_part", "response."+item.part
	zero := 0
	at := responsesEvent{ItemID: item.ID, OutputIndex: &i, ContentIndex: &zero}
	done := responsesEvent{Text: &item.text}
	switch item.part {
	case partSummary:
		name, prefix = "response.reasoning_summary_part", "response.reasoning_summary_text"
		at.ContentIndex, at.SummaryIndex = nil, &zero
	case partRefusal:
		done = responsesEvent{Refusal: &item.text}
	case partText:
		done.Logprobs = []any{}
	}
	empty, whole := newPart(item.part, ""), newPart(item.part, item.text)
	added, finished := at, at
	added.Type, added.Part = name+".added", &empty
	finished.Type, finished.Part = name+".done", &whole
	done.ContentIndex, done.SummaryIndex = at.ContentIndex, at.SummaryIndex
	s.send(added)
	s.texts(prefix, i, item, done)
	s.send(finished)
}

// texts sends an item's text in pieces, then done with the text as a whole.
func (s *responsesStream) texts(prefix string, i int, item outputItem, done responsesEvent) {
	done.Type, done.ItemID, done.OutputIndex = prefix+".done", item.ID, &i
	for p := range s.pieces(item.text) {
		s.send(responsesEvent{
			Type: prefix + ".delta", ItemID: item.ID, OutputIndex: &i,
			ContentIndex: done.ContentIndex, SummaryIndex: done.SummaryIndex, Delta: &p, Logprobs: done.Logprobs,
		})
	}
	s.send(done)
}
