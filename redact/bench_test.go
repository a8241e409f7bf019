package redact

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// prose is some text as people write it, of at least n bytes, with a value
// now and then.
func prose(n int) []byte {
	const text = `When the auditors came back in March, they asked for the same three things as last year: ` +
		`a list of everyone who had signed off on a release, the date of each approval, and proof that nobody had approved ` +
		`their own work. The first two were easy. The third took Maria's team almost a week, because half of the records ` +
		`lived in a spreadsheet (last touched on 14 June 2023 at 16:45) and the other half in e-mail threads that had been ` +
		`archived twice. "It isn't that we don't follow the rules," she wrote, "it's that we can't show it." ` +
		`Order 20231107-4482 was shipped in 3 boxes of 12.5 kg each; version 4.2.1 went live on the same day. ` + "\n\n"
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(text)
		if b.Len()%7 == 0 {
			b.WriteString("Write to maria.lopez@example.com or call from 10.20.30.40. ")
		}
	}
	return []byte(b.String())
}

func goRoot(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		tb.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// code is Go's own package net/http, or what there is of it.
func code(tb testing.TB) []byte {
	files, err := filepath.Glob(filepath.Join(goRoot(tb), "src", "net", "http", "*.go"))
	if err != nil || len(files) == 0 {
		tb.Fatal("no sources in GOROOT", err)
	}
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func mustCompile(tb testing.TB, specs ...string) *Set {
	tb.Helper()
	var sel []Selector
	for _, spec := range specs {
		sel = append(sel, Selector{Spec: spec})
	}
	s, err := Compile(sel, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func benchmarkScan(b *testing.B, s *Set, text []byte) {
	s.Scan(text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.Scan(text)
	}
}

func manyExprs() []string {
	var specs []string
	for i := range 200 {
		specs = append(specs, fmt.Sprintf(`re:%c%c%d_[a-z0-9]{8,%d}`, 'a'+i%26, 'a'+i/8%26, i, 16+i))
	}
	return specs
}

func BenchmarkProse(b *testing.B)   { benchmarkScan(b, mustCompile(b, "PII"), prose(1<<20)) }
func BenchmarkCode(b *testing.B)    { benchmarkScan(b, mustCompile(b, "PII"), code(b)) }
func BenchmarkMessage(b *testing.B) { benchmarkScan(b, mustCompile(b, "PII"), prose(4096)[:4096]) }

func BenchmarkNoEmail(b *testing.B) {
	benchmarkScan(b, mustCompile(b, "CREDIT_CARD", "US_SSN", "IBAN", "IP"), prose(1<<20))
}

func BenchmarkManyExprs(b *testing.B) {
	benchmarkScan(b, mustCompile(b, manyExprs()...), prose(1<<20))
}

func BenchmarkPIIAndManyExprs(b *testing.B) {
	benchmarkScan(b, mustCompile(b, append(manyExprs(), "PII")...), prose(1<<20))
}

// BenchmarkDense is a log in which every line has values and near misses.
func BenchmarkDense(b *testing.B) {
	line := "2024-05-06T12:34:56Z 10.1.2.3 ann.lee@example.com 4111 1111 1111 1111 v1.2.3.4 GET /a/b?id=123456789 200 1234\n"
	benchmarkScan(b, mustCompile(b, "PII"), []byte(strings.Repeat(line, 1000)))
}

// BenchmarkDelta is one write of four bytes of prose in which nothing is found.
func BenchmarkDelta(b *testing.B) {
	s := mustCompile(b, "PII")
	text := []byte(strings.ReplaceAll(string(prose(1<<16)), "@", " at "))
	st := s.NewStream()
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		if at+4 > len(text) {
			at = 0
			st.Reset()
		}
		st.Write(text[at : at+4])
		at += 4
	}
}

// BenchmarkHeld reports how much of prose a stream of four-byte deltas holds
// back: bytes after a write, mean and 99th percentile.
func BenchmarkHeld(b *testing.B) {
	for _, c := range []struct {
		name  string
		specs []string
		text  []byte
	}{
		{"prose", []string{"PII"}, prose(1 << 18)},
		{"prose without EMAIL", []string{"CREDIT_CARD", "US_SSN", "IBAN", "IP"}, prose(1 << 18)},
		{"code", []string{"PII"}, code(b)[:1<<18]},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := mustCompile(b, c.specs...)
			var held []int
			for b.Loop() {
				held = heldAfterWrites(s, c.text, 4)
			}
			slices.Sort(held)
			sum := 0
			for _, h := range held {
				sum += h
			}
			b.ReportMetric(float64(sum)/float64(len(held)), "mean-bytes")
			b.ReportMetric(float64(held[len(held)*99/100]), "p99-bytes")
			b.ReportMetric(float64(held[len(held)-1]), "max-bytes")
		})
	}
}

func heldAfterWrites(s *Set, text []byte, size int) []int {
	st := s.NewStream()
	var held []int
	for at := 0; at < len(text); {
		n := min(size, len(text)-at)
		resolved, _ := st.Write(text[at : at+n])
		at += n
		held = append(held, at-int(resolved))
	}
	return held
}
