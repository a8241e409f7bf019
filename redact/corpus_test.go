package redact

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestGoSources: the sources of the standard library, which hold no one's
// numbers, have at most one hit a megabyte of each kind of number.
func TestGoSources(t *testing.T) {
	s := mustCompile(t, "*")
	counts, bytes := Counts{}, 0
	root := filepath.Join(goRoot(t), "src")
	if testing.Short() {
		root = filepath.Join(root, "crypto")
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		edits := s.Scan(text)
		bytes += len(text)
		counts.Add(edits)
		if os.Getenv("REDACT_HITS") != "" {
			for _, e := range edits {
				lo, hi := max(0, e.Start-30), min(int64(len(text)), e.End+15)
				fmt.Printf("%s %q in %q\n", e.Entity, text[e.Start:e.End], text[lo:hi])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes: %v", bytes, counts)
	for _, entity := range []string{"CREDIT_CARD", "IBAN", "US_SSN"} {
		if counts[entity] > bytes/1e6 {
			t.Errorf("%d hits of %s in %d bytes", counts[entity], entity, bytes)
		}
	}
}

// TestLabelled scores the detectors on labelled sentences, where such data is
// at hand: HEADGATE_SHARED is its folder.
func TestLabelled(t *testing.T) {
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
	names := map[string]string{
		"EMAIL_ADDRESS": "EMAIL", "CREDIT_CARD": "CREDIT_CARD", "US_SSN": "US_SSN", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP",
	}
	type span struct {
		Entity     string
		Start, End int // in runes
	}
	hit, missed, wrong := Counts{}, Counts{}, Counts{}
	s := mustCompile(t, "*")
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var record struct {
			Text  string
			Spans []span
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		var got []span
		for _, e := range s.Scan([]byte(record.Text)) {
			at := utf8.RuneCountInString(record.Text[:e.Start])
			got = append(got, span{e.Entity, at, at + utf8.RuneCountInString(record.Text[e.Start:e.End])})
		}
		overlap := func(a, b span) bool { return a.Entity == b.Entity && a.Start < b.End && b.Start < a.End }
		used := make([]bool, len(got))
		for _, want := range record.Spans {
			if want.Entity = names[want.Entity]; want.Entity == "" {
				continue
			}
			ok := false
			for i, g := range got {
				if overlap(g, want) {
					ok, used[i] = true, true
				}
			}
			if ok {
				hit[want.Entity]++
			} else {
				missed[want.Entity]++
				t.Logf("missed %s in %q", want.Entity, record.Text)
			}
		}
		for i, g := range got {
			if !used[i] {
				wrong[g.Entity]++
				t.Logf("wrong %s in %q", g.Entity, record.Text)
			}
		}
	}
	for entity, target := range map[string]struct{ precision, recall float64 }{
		"EMAIL": {.99, .99}, "CREDIT_CARD": {.99, .99}, "IBAN": {1, 1}, "US_SSN": {1, .99}, "IP": {.99, 1},
	} {
		p := float64(hit[entity]) / max(float64(hit[entity]+wrong[entity]), 1)
		r := float64(hit[entity]) / max(float64(hit[entity]+missed[entity]), 1)
		t.Logf("%-11s precision %.3f recall %.3f (%d hit, %d missed, %d wrong)", entity, p, r, hit[entity], missed[entity], wrong[entity])
		if p < target.precision || r < target.recall {
			t.Errorf("%s is below its target", entity)
		}
	}
}
