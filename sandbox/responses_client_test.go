package sandbox_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
)

func responseParams(text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{Model: "gpt-5", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)}}
}

// streamResponse reads a stream: the reply that it ends with, and the text of
// its deltas.
func streamResponse(t *testing.T, c openai.Client, p responses.ResponseNewParams) (reply *responses.Response, text string, err error) {
	t.Helper()
	stream := c.Responses.NewStreaming(t.Context(), p)
	defer stream.Close()
	number := int64(0)
	for stream.Next() {
		e := stream.Current()
		if e.SequenceNumber != number {
			t.Errorf("event %d has the number %d", number, e.SequenceNumber)
		}
		number++
		switch e := e.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += e.Delta
		case responses.ResponseCompletedEvent:
			reply = &e.Response
		case responses.ResponseIncompleteEvent:
			reply = &e.Response
		}
	}
	return reply, text, stream.Err()
}

// TestResponsesClientLoop goes once around an agent's loop, whole and streamed.
func TestResponsesClientLoop(t *testing.T) {
	c := client(t)
	for _, stream := range []bool{false, true} {
		ask := func(p responses.ResponseNewParams) *responses.Response {
			t.Helper()
			if !stream {
				r, err := c.Responses.New(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			r, text, err := streamResponse(t, c, p)
			if err != nil || r == nil {
				t.Fatalf("no end: %v", err)
			}
			if text != r.OutputText() {
				t.Errorf("the deltas say %q, the end %q", text, r.OutputText())
			}
			return r
		}
		p := responseParams("/reason Let me think.\n/say Hello there\n/call get_weather {\"city\": \"Oslo\"}\n/chunk 3")
		p.Instructions = openai.String("Be brief.")
		r := ask(p)
		if r.Status != responses.ResponseStatusCompleted || r.OutputText() != "Hello there" || len(r.Output) != 3 || r.Usage.TotalTokens != r.Usage.InputTokens+r.Usage.OutputTokens {
			t.Fatalf("stream %v: response %s", stream, r.RawJSON())
		}
		if got := r.Output[0].AsReasoning().Summary[0].Text; got != "Let me think." {
			t.Errorf("stream %v: reasoning %q", stream, got)
		}
		call := r.Output[2].AsFunctionCall()
		if call.Name != "get_weather" || call.Arguments != `{"city": "Oslo"}` || call.CallID == "" || call.Status != "completed" {
			t.Errorf("stream %v: call %s", stream, call.RawJSON())
		}
		answer := responses.ResponseInputItemParamOfFunctionCallOutput("12 degrees")
		answer.OfFunctionCallOutput.CallID = openai.String(call.CallID)
		asked := p.Input.OfString.Value
		p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage(asked, responses.EasyInputMessageRoleUser),
			responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name),
			answer,
		}}
		if r := ask(p); r.OutputText() != "The tool answered: 12 degrees" || len(r.Output) != 1 {
			t.Errorf("stream %v: response %s", stream, r.RawJSON())
		}
		r = ask(responseParams("/say Hel\n/finish max_output_tokens"))
		if r.Status != responses.ResponseStatusIncomplete || r.IncompleteDetails.Reason != "max_output_tokens" {
			t.Errorf("stream %v: response %s", stream, r.RawJSON())
		}
	}
}

func TestResponsesClientErrors(t *testing.T) {
	c := client(t)
	_, err := c.Responses.New(t.Context(), responseParams("/status 401 No."))
	var got *openai.Error
	if !errors.As(err, &got) || got.StatusCode != 401 || got.Code != "invalid_api_key" || got.Message != "No." {
		t.Errorf("error %v", err)
	}
	if r, _, err := streamResponse(t, c, responseParams("/say Hello there\n/cut 5")); err == nil && r != nil {
		t.Error("an end in a stream that breaks off")
	}
}

func TestClientCompletions(t *testing.T) {
	c := client(t)
	p := openai.CompletionNewParams{Model: "davinci", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("/say upon a time")}, N: openai.Int(2)}
	r, err := c.Completions.New(t.Context(), p)
	if err != nil || len(r.Choices) != 2 || r.Choices[0].Text != "upon a time" || r.Choices[1].Text != "upon a time (choice 1)" || r.Choices[1].FinishReason != "stop" {
		t.Fatalf("%v, %v", r, err)
	}
	stream := c.Completions.NewStreaming(t.Context(), p)
	got := map[int64]string{}
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			got[choice.Index] += choice.Text
		}
	}
	if err := stream.Err(); err != nil || got[0] != r.Choices[0].Text || got[1] != r.Choices[1].Text {
		t.Errorf("%v, %v", got, err)
	}
}

// TestClientEmbeddings: vectors have length 1, the same in both encodings.
func TestClientEmbeddings(t *testing.T) {
	c := client(t)
	p := openai.EmbeddingNewParams{Model: "embed", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"cat", "dog", "cat"}}, Dimensions: openai.Int(5)}
	r, err := c.Embeddings.New(t.Context(), p)
	if err != nil || len(r.Data) != 3 || len(r.Data[0].Embedding) != 5 {
		t.Fatalf("%v, %v", r, err)
	}
	p.EncodingFormat = openai.EmbeddingNewParamsEncodingFormatBase64
	raw, err := c.Embeddings.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var packed string
	if err := json.Unmarshal([]byte(raw.Data[1].JSON.Embedding.Raw()), &packed); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(packed)
	if err != nil || len(b) != 20 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	length, same := 0.0, true
	for i, x := range r.Data[1].Embedding {
		length += x * x
		same = same && r.Data[0].Embedding[i] == r.Data[2].Embedding[i]
		if got := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])); got != float32(x) {
			t.Errorf("number %d is %v, in bytes %v", i, x, got)
		}
	}
	if math.Abs(length-1) > 1e-6 || !same || r.Data[0].Embedding[0] == r.Data[1].Embedding[0] {
		t.Errorf("length %v, the same text the same vector: %v", length, same)
	}
}

func TestClientModerations(t *testing.T) {
	c := client(t)
	r, err := c.Moderations.New(t.Context(), openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"a walk", "self-harm/intent"}}})
	if err != nil || len(r.Results) != 2 {
		t.Fatalf("%v, %v", r, err)
	}
	if r.Results[0].Flagged || !r.Results[1].Flagged || !r.Results[1].Categories.SelfHarmIntent || !r.Results[1].Categories.SelfHarm || r.Results[1].Categories.Violence {
		t.Errorf("results %s", r.RawJSON())
	}
}
