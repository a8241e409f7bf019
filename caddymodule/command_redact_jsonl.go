package caddymodule

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/headgate/headgate/redact"
)

// maxRedactLine is how long a line of JSON Lines may be, in bytes.
const maxRedactLine = 64 << 20

// redactedLine is what becomes of one line.
type redactedLine struct {
	Text     string    `json:"text"`
	Findings []finding `json:"findings"`
}

// finding is a place in the text as it came in, in code points; End is behind it.
type finding struct {
	Entity string `json:"entity"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
}

// redactLines redacts the "text" of each line of r, an object, and writes an
// object for each. Other members are left out: nobody has looked at them.
func redactLines(w io.Writer, set *redact.Set, name string, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRedactLine)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	n := 0
	for lines.Scan() {
		n++
		// This package refuses what other readers would read differently: a name
		// that is there twice, bytes that are not UTF-8, half a surrogate pair.
		// Its errors quote names of the input, and are not passed on.
		var line struct {
			Text *string `json:"text"`
		}
		if err := jsonv2.Unmarshal(lines.Bytes(), &line); err != nil || line.Text == nil {
			return fmt.Errorf(`%s:%d: the line must be a JSON object with a "text" that is a string`, name, n)
		}
		if err := out.Encode(redactLine(set, []byte(*line.Text))); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s:%d: the line is longer than %d bytes", name, n+1, maxRedactLine)
	case err != nil:
		return unread(name, err)
	}
	return nil
}

// redactLine redacts one text.
func redactLine(set *redact.Set, text []byte) redactedLine {
	out, edits := set.Redact(text)
	line := redactedLine{Text: string(out), Findings: make([]finding, 0, len(edits))}
	at, points := int64(0), 0
	advance := func(to int64) int {
		points += utf8.RuneCount(text[at:to])
		at = to
		return points
	}
	for _, e := range edits {
		line.Findings = append(line.Findings, finding{e.Entity, advance(e.Start), advance(e.End)})
	}
	return line
}
