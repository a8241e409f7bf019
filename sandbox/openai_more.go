package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// texts is what an endpoint without messages reads: a string, strings, parts
// with text, or tokens, which count as one text that is empty.
type texts []string

// UnmarshalJSON reads all forms.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	var parts []json.RawMessage
	if json.Unmarshal(b, &parts) != nil {
		return &formError{"", "the text is a string or an array"}
	}
	*t = nil
	for _, p := range parts {
		var tokens []int
		var part struct {
			Text string `json:"text"`
		}
		switch {
		case json.Unmarshal(p, &one) == nil:
			*t = append(*t, one)
		case json.Unmarshal(p, &tokens) == nil:
			*t = append(*t, "")
		case json.Unmarshal(p, &part) == nil:
			*t = append(*t, part.Text)
		default: // the tokens of one text
			*t = texts{""}
			return nil
		}
	}
	return nil
}

// embeddings is the request for vectors.
type embeddings struct {
	Model      string `json:"model"`
	Input      texts  `json:"input"`
	Dimensions *int   `json:"dimensions"`
	Encoding   string `json:"encoding_format"`
}

// The length of a vector.
const (
	defaultDimensions = 8
	maxDimensions     = 3072
	maxVectors        = 2048
)

type embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	Vector any    `json:"embedding"`
}

type embeddingList struct {
	Object string      `json:"object"`
	Data   []embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
}

// serveEmbeddings answers POST /v1/embeddings.
func (h *Handler) serveEmbeddings(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var q embeddings
	if err := decode(body, &q); err != nil {
		return err
	}
	n := defaultDimensions
	if q.Dimensions != nil {
		n = *q.Dimensions
	}
	switch {
	case q.Model == "":
		return invalid("model", "you must provide a model")
	case len(q.Input) == 0 || len(q.Input) > maxVectors:
		return invalid("input", fmt.Sprintf("input is 1 to %d texts", maxVectors))
	case n < 1 || n > maxDimensions:
		return invalid("dimensions", fmt.Sprintf("dimensions is 1 to %d here", maxDimensions))
	}
	list := embeddingList{Object: "list", Model: q.Model}
	for i, text := range q.Input {
		e := embedding{Object: "embedding", Index: i}
		v := vector(text, n)
		switch q.Encoding {
		case "", "float":
			e.Vector = v
		case "base64":
			var b []byte
			for _, x := range v {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
			}
			e.Vector = base64.StdEncoding.EncodeToString(b)
		default:
			return invalid("encoding_format", "encoding_format is float or base64")
		}
		list.Data = append(list.Data, e)
		list.Usage.PromptTokens += countTokens(text, defaultChunk)
	}
	list.Usage.TotalTokens = list.Usage.PromptTokens
	writeJSON(w, http.StatusOK, list)
	return nil
}

// vector is the unit vector of a text: its direction is taken from SHA-256, so
// that two texts are as good as unrelated unless they are the same.
func vector(text string, n int) []float32 {
	seed := sha256.Sum256([]byte(text))
	v := make([]float64, n)
	square := 0.0
	for i := range v {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(seed[:], uint32(i)))
		v[i] = float64(int16(binary.BigEndian.Uint16(sum[:]))) + 0.5 // never 0
		square += float64(v[i] * v[i])                               // rounded here, so that no machine fuses the two steps
	}
	unit := make([]float32, n)
	for i := range v {
		unit[i] = float32(v[i] / math.Sqrt(square))
	}
	return unit
}

// categories are what a text can be flagged for.
var categories = []string{
	"harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
	"self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
}

type moderation struct {
	Flagged    bool                `json:"flagged"`
	Categories map[string]bool     `json:"categories"`
	Scores     map[string]float64  `json:"category_scores"`
	Types      map[string][]string `json:"category_applied_input_types"`
}

// serveModerations answers POST /v1/moderations.
func (h *Handler) serveModerations(w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	var q struct {
		Model string `json:"model"`
		Input texts  `json:"input"`
	}
	if err := decode(body, &q); err != nil {
		return err
	}
	if len(q.Input) == 0 {
		return invalid("input", "you must provide an input")
	}
	if q.Model == "" {
		q.Model = "omni-moderation-latest"
	}
	results := make([]moderation, len(q.Input))
	for i, text := range q.Input {
		results[i] = moderate(text)
	}
	writeJSON(w, http.StatusOK, struct {
		ID      string       `json:"id"`
		Model   string       `json:"model"`
		Results []moderation `json:"results"`
	}{makeID("modr-", body), q.Model, results})
	return nil
}

// moderate flags a text for each category that it names.
func moderate(text string) moderation {
	m := moderation{Categories: map[string]bool{}, Scores: map[string]float64{}, Types: map[string][]string{}}
	for _, c := range categories {
		named := strings.Contains(text, c)
		m.Flagged = m.Flagged || named
		m.Categories[c], m.Scores[c], m.Types[c] = named, 0.01, []string{"text"}
		if named {
			m.Scores[c] = 0.99
		}
	}
	return m
}
