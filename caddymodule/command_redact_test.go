package caddymodule

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/headgate/headgate/redact"
)

// runRedact runs the command as it would be typed.
func runRedact(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := &cobra.Command{Use: "redact"}
	setUpRedact(cmd)
	var out, errs bytes.Buffer
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.Execute()
	return out.String(), errs.String(), err
}

// TestRedactOffsets: offsets are code points of the text that came in.
func TestRedactOffsets(t *testing.T) {
	for name, c := range map[string]struct {
		text       string
		start, end int
		redacted   string
		place      string // with --explain, where the text is a file
	}{
		"ASCII":          {"to a@b.example", 3, 14, "to [EMAIL]", "1:4"},
		"two bytes":      {"Zoë: a@b.example", 5, 16, "Zoë: [EMAIL]", "1:6"},
		"astral":         {"😀 a@b.example", 2, 13, "😀 [EMAIL]", "1:3"},
		"family":         {"👩‍👩‍👧 a@b.example", 6, 17, "👩‍👩‍👧 [EMAIL]", "1:7"},
		"combining":      {"e\u0301 a@b.example", 3, 14, "e\u0301 [EMAIL]", "1:4"},
		"composed":       {"\u00e9 a@b.example", 2, 13, "\u00e9 [EMAIL]", "1:3"},
		"LF":             {"x\ny a@b.example", 4, 15, "x\ny [EMAIL]", "2:3"},
		"CRLF":           {"x\r\n😀 a@b.example\r\n", 5, 16, "x\r\n😀 [EMAIL]\r\n", "2:3"},
		"NUL":            {"\x00 a@b.example", 2, 13, "\x00 [EMAIL]", "1:3"},
		"at the start":   {"a@b.example 😀", 0, 11, "[EMAIL] 😀", "1:1"},
		"line separator": {"\u2028 a@b.example", 2, 13, "\u2028 [EMAIL]", "1:3"},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := json.Marshal(map[string]string{"text": c.text})
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := runRedact(t, string(line), "--jsonl")
			if err != nil {
				t.Fatal(err)
			}
			var got redactedLine
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			want := redactedLine{c.redacted, []finding{{"EMAIL", c.start, c.end}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			out, _, err = runRedact(t, c.text, "--explain")
			if want := fmt.Sprintf("<stdin>:%s EMAIL %d\n", c.place, c.end-c.start); out != want || err != nil {
				t.Errorf("--explain says %q, %v, want %q", out, err, want)
			}
		})
	}
}

// TestRedactLinesRefused: a line that could be read in two ways is refused, with
// its number and without its text.
func TestRedactLinesRefused(t *testing.T) {
	for _, bad := range []string{
		"", "null", "5", `"secret"`, `["secret"]`, `{"Text": "secret"}`, `{"text": null}`, `{"text": ["secret"]}`,
		`{"text": "secret"`, `{"text": "secret"} x`, `{"text": "a", "text": "secret"}`, `{"secret": 1, "secret": 2, "text": ""}`,
		"{\"text\": \"secret \xff\"}", `{"text": "secret \ud83d"}`,
	} {
		out, errs, err := runRedact(t, "{\"text\": \"a\"}\n"+bad+"\n{\"text\": \"b\"}\n", "--jsonl")
		if err == nil || out != "{\"text\":\"a\",\"findings\":[]}\n" || !strings.HasPrefix(errs, "<stdin>:2: ") || strings.Contains(errs, "secret") {
			t.Errorf("%q gives %q, %q, %v", bad, out, errs, err)
		}
	}
}

// TestRedactStreamed: a text larger than every buffer, read in pieces of any
// size, gives what the whole text in one piece gives.
func TestRedactStreamed(t *testing.T) {
	set, err := redact.Compile([]redact.Selector{{Spec: "*"}, {Spec: "re:INT-[0-9]+"}, {Spec: "lit:ß😀"}}, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"alice@example.com", "4111 1111 1111 1111", "192.0.2.1", "GB82 WEST 1234 5698 7654 32", "INT-" + strings.Repeat("7", 700),
		"ß😀", "[EMAIL]", "é", "e\u0301", "\r\n", "\n", " ", ", ", "plain words", "@", "4111", "\xff\x80", strings.Repeat("x", 3000),
	}
	var b strings.Builder
	for b.Len() < 5*redactBlock {
		b.WriteString(words[random.IntN(len(words))] + " ")
	}
	text := b.String()
	want, edits := set.Redact([]byte(text))
	var places strings.Builder
	for _, e := range edits {
		before := text[:e.Start]
		line := 1 + strings.Count(before, "\n")
		column := 1 + codePoints([]byte(before[strings.LastIndexByte(before, '\n')+1:]))
		fmt.Fprintf(&places, "file:%d:%d %s %d\n", line, column, e.Entity, codePoints([]byte(text[e.Start:e.End])))
	}
	if len(edits) < 100 {
		t.Fatalf("%d findings try little", len(edits))
	}
	for how, cut := range map[string]func(io.Reader) io.Reader{
		"at once":      func(r io.Reader) io.Reader { return r },
		"bytes":        iotest.OneByteReader,
		"halves":       iotest.HalfReader,
		"with its end": iotest.DataErrReader,
	} {
		var out, explained pieceBuffer
		if err := redactText(&out, set, "file", cut(strings.NewReader(text))); err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %d bytes, %v, want %d", how, out.Len(), err, len(want))
		}
		if out.largest > redactBlock+8<<10 {
			t.Errorf("%s: %d bytes were held back", how, out.largest)
		}
		if err := explainText(&explained, set, "file", cut(strings.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(places.String(), explained.String()); diff != "" {
			t.Errorf("%s: --explain (-want +got)\n%s", how, diff)
		}
	}
}

// pieceBuffer knows the largest piece that was written to it.
type pieceBuffer struct {
	bytes.Buffer
	largest int
}

func (b *pieceBuffer) Write(p []byte) (int, error) {
	b.largest = max(b.largest, len(p))
	return b.Buffer.Write(p)
}

// TestRedactHash: the key is the environment's, as in a Caddyfile.
func TestRedactHash(t *testing.T) {
	t.Setenv(redactionKeyVariable, "")
	if out, errs, err := runRedact(t, "a@b.example", "--as", "hash"); err == nil || out != "" || !strings.Contains(errs, redactionKeyVariable) {
		t.Errorf("without a key: %q, %q, %v", out, errs, err)
	}
	t.Setenv(redactionKeyVariable, "one")
	one, _, err := runRedact(t, "a@b.example", "--as", "hash")
	if err != nil || !regexp.MustCompile(`^\[EMAIL_[0-9a-f]{16}\]$`).MatchString(one) {
		t.Errorf("with a key: %q, %v", one, err)
	}
	t.Setenv(redactionKeyVariable, "two")
	if two, _, err := runRedact(t, "a@b.example", "--as", "hash"); err != nil || two == one {
		t.Errorf("with another key: %q, %v", two, err)
	}
}

// TestRedactUnread: what breaks off is an error, behind what was read.
func TestRedactUnread(t *testing.T) {
	set, err := redact.Compile([]redact.Selector{{Spec: "*"}}, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer, *redact.Set, string, io.Reader) error{
		"text": redactText, "explain": explainText, "jsonl": redactLines,
	} {
		broken := io.MultiReader(strings.NewReader("{\"text\": \"\"}\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
		if err := write(io.Discard, set, "<stdin>", broken); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		closed, w := io.Pipe()
		_ = closed.Close()
		if err := write(w, set, "file", strings.NewReader("{\"text\": \"a@b.example\"}\n")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s to a closed pipe: %v", name, err)
		}
	}
}

// TestRedactLabelled runs labelled sentences through --jsonl, where such data is
// at hand: HEADGATE_SHARED is its folder.
func TestRedactLabelled(t *testing.T) {
	dir := os.Getenv("HEADGATE_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "data", "redaction", "labelled.jsonl.gz"))
	if err != nil {
		t.Log("no labelled data here")
		return
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	input, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	output, errs, err := runRedact(t, string(input), "--jsonl")
	if err != nil {
		t.Fatal(err, errs)
	}
	in, out := strings.Split(strings.TrimSpace(string(input)), "\n"), strings.Split(strings.TrimSpace(output), "\n")
	if len(in) != len(out) {
		t.Fatalf("%d lines became %d", len(in), len(out))
	}
	findings := 0
	for i := range in {
		var was struct{ Text string }
		var is redactedLine
		if err := errors.Join(json.Unmarshal([]byte(in[i]), &was), json.Unmarshal([]byte(out[i]), &is)); err != nil {
			t.Fatal(err)
		}
		text := []rune(was.Text)
		rebuilt, at := "", 0
		for _, f := range is.Findings {
			if f.Start < at || f.End <= f.Start || f.End > len(text) {
				t.Fatalf("line %d: %+v does not lie in a text of %d", i+1, f, len(text))
			}
			rebuilt += string(text[at:f.Start]) + "[" + f.Entity + "]"
			at = f.End
		}
		if rebuilt += string(text[at:]); rebuilt != is.Text {
			t.Errorf("line %d: the findings make %q, the text is %q", i+1, rebuilt, is.Text)
		}
		findings += len(is.Findings)
	}
	if findings == 0 {
		t.Error("nothing was found")
	}
	t.Logf("%d findings in %d lines", findings, len(in))
}
