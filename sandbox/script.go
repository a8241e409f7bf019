package sandbox

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of the commands' numbers.
const (
	defaultChunk = 5
	maxChunk     = 4096
	maxCut       = 1_000_000
	maxCalls     = 128
	maxPause     = 5 * time.Second
)

// script is what the commands of one user message ask for.
type script struct {
	content   []string // of /say and /echo, in their order
	reasoning []string
	refusal   []string
	calls     []scriptCall
	finish    string

	status     int // 0: no error
	statusText string

	chunk int           // runes of a stream's piece
	pause time.Duration // between stream events
	cut   int           // stream events until the cut; -1: none

	rest string // the lines that are no command
}

// scriptCall is one /call line.
type scriptCall struct{ name, args string }

// answers reports whether a command says what the reply is.
func (s *script) answers() bool {
	return len(s.content)+len(s.refusal)+len(s.calls) > 0
}

// pacing returns what of the script applies after tools have answered.
func (s *script) pacing() *script {
	return &script{chunk: s.chunk, pause: s.pause, cut: -1, rest: s.rest}
}

// commandError tells how a command is written. It holds nothing of the message.
type commandError struct{ command, wants string }

func (e *commandError) Error() string { return e.command + " wants " + e.wants }

// command is one word of the script: what it wants, and what it does with the
// rest of its line; apply reports whether that is well formed.
type command struct {
	wants string
	apply func(s *script, arg string, body []byte) bool
}

var commands = map[string]command{
	"/say": {"a text", func(s *script, arg string, _ []byte) bool {
		s.content = append(s.content, arg)
		return true
	}},
	"/echo": {"nothing behind it; /say repeats a text", func(s *script, arg string, body []byte) bool {
		s.content = append(s.content, string(body))
		return strings.TrimSpace(arg) == ""
	}},
	"/reason": {"a text", func(s *script, arg string, _ []byte) bool {
		s.reasoning = append(s.reasoning, arg)
		return true
	}},
	"/refuse": {"a text", func(s *script, arg string, _ []byte) bool {
		s.refusal = append(s.refusal, arg)
		return arg != ""
	}},
	"/call": {
		fmt.Sprintf("the name of a tool, then its arguments or nothing; %d calls are the most", maxCalls),
		func(s *script, arg string, _ []byte) bool {
			name, args := splitWord(arg)
			if args == "" {
				args = "{}"
			}
			s.calls = append(s.calls, scriptCall{name: name, args: args})
			return name != "" && len(s.calls) <= maxCalls
		},
	},
	"/finish": {"one word", func(s *script, arg string, _ []byte) bool {
		var more string
		s.finish, more = splitWord(arg)
		return s.finish != "" && more == ""
	}},
	"/chunk": {fmt.Sprintf("a number of runes, 1 to %d", maxChunk), func(s *script, arg string, _ []byte) bool {
		return number(&s.chunk, arg, 1, maxChunk)
	}},
	"/cut": {fmt.Sprintf("a number of stream events, 0 to %d", maxCut), func(s *script, arg string, _ []byte) bool {
		return number(&s.cut, arg, 0, maxCut)
	}},
	"/pause": {fmt.Sprintf("a duration such as 20ms, at most %s", maxPause), func(s *script, arg string, _ []byte) bool {
		d, err := time.ParseDuration(strings.TrimSpace(arg))
		s.pause = d
		return err == nil && d >= 0 && d <= maxPause
	}},
	"/status": {"an HTTP status, 400 to 599, then a text or nothing", func(s *script, arg string, _ []byte) bool {
		n, text := splitWord(arg)
		s.statusText = text
		return number(&s.status, n, 400, 599)
	}},
}

// parseScript reads the commands in text, the last user message. body is what
// /echo gives back. The error is a [commandError].
func parseScript(text string, body []byte) (*script, error) {
	s := &script{chunk: defaultChunk, cut: -1}
	var rest []string
	for line := range strings.SplitSeq(text, "\n") {
		word, arg := splitWord(strings.TrimSuffix(line, "\r"))
		c, ok := commands[word]
		if !ok {
			rest = append(rest, line)
			continue
		}
		if !c.apply(s, arg, body) {
			return nil, &commandError{command: word, wants: c.wants}
		}
	}
	s.rest = strings.Join(rest, "\n")
	return s, nil
}

// splitWord cuts line at its first space or tab. What follows that one
// character is rest, verbatim.
func splitWord(line string) (word, rest string) {
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		return line[:i], line[i+1:]
	}
	return line, ""
}

// number sets *n to the decimal number in s and reports whether it is one
// between low and high.
func number(n *int, s string, low, high int) bool {
	v, err := strconv.Atoi(strings.TrimSpace(s))
	*n = v
	return err == nil && v >= low && v <= high
}

// pieces yields text in pieces of size runes; the last may be shorter.
func pieces(text string, size int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			end := 0
			for n := 0; n < size && end < len(text); n++ {
				_, w := utf8.DecodeRuneInString(text[end:])
				end += w
			}
			if !yield(text[:end]) {
				return
			}
			text = text[end:]
		}
	}
}

// countTokens is the number of pieces that text makes.
func countTokens(text string, size int) int {
	return (utf8.RuneCountInString(text) + size - 1) / size
}
