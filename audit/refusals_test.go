package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func refusal(stage, reason string) *Record {
	return &Record{
		Time: time.Now(), Stage: stage, Decision: "deny", Reason: reason, Mode: ModeEnforce,
		ID: "id", RequestID: "request", TraceID: "trace",
	}
}

// summary lists the lines of a log, equal neighbours as one.
func summary(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	repeats := 0
	for text := range strings.Lines(contents(t, path)) {
		var l wireLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		s := fmt.Sprintf("%s: %s", l.Stage, l.Reason)
		if l.Count > 0 {
			s = fmt.Sprintf("%s: %s, %d more by %s, request %q", l.Stage, l.Reason, l.Count, l.TS[17:], l.RequestID)
		}
		if n := len(out); n > 0 && strings.TrimSuffix(out[n-1], fmt.Sprintf(" x%d", repeats)) == s {
			repeats++
			out[n-1] = fmt.Sprintf("%s x%d", s, repeats)
			continue
		}
		repeats = 1
		out = append(out, s)
	}
	verified(t, path)
	return out
}

func refuse(t *testing.T, l *Log, n int, stage, reason string) {
	t.Helper()
	for range n {
		if err := l.AppendRefusal(refusal(stage, reason)); err != nil {
			t.Fatal(err)
		}
	}
}

func check(t *testing.T, path string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, summary(t, path)); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

// The clock of these tests is synctest's: it stands at 2000-01-01T00:00:00Z and
// moves only when everything waits.

func TestRefusalsBeyondTenShareALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		l := open(t, path, Options{})
		refuse(t, l, 9, "request", "unknown key")
		refuse(t, l, 1, "request", "no key")
		time.Sleep(400 * time.Millisecond)
		refuse(t, l, 500, "request", "unknown key")
		refuse(t, l, 1, "session", "unknown key")
		check(t, path,
			"request: unknown key x9", "request: no key", "request: unknown key", "session: unknown key")

		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		check(t, path,
			"request: unknown key x9", "request: no key", "request: unknown key", "session: unknown key",
			`request: unknown key, 499 more by 00.400Z, request ""`)

		refuse(t, l, 11, "request", "unknown key")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, path,
			"request: unknown key x9", "request: no key", "request: unknown key", "session: unknown key",
			`request: unknown key, 499 more by 00.400Z, request ""`,
			"request: unknown key x10",
			`request: unknown key, 1 more by 01.100Z, request ""`)
	})
}

func TestACountedLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		l := open(t, path, Options{})
		refuse(t, l, 13, "request", "unknown key")
		l.Close()
		lines := strings.Split(contents(t, path), "\n")
		want := `{"ts":"2000-01-01T00:00:00.000Z","principal":{"tenant_id":"","user_id":"","roles":[]},` +
			`"stage":"request","decision":"deny","reason":"unknown key","mode":"enforce","count":3,"seq":11,`
		if !strings.HasPrefix(lines[10], want) {
			t.Errorf("got %s", lines[10])
		}
	})
}

func TestRefusalsBelowTheLimitArmNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		l := open(t, path, Options{})
		for range 5 {
			refuse(t, l, 10, "request", "unknown key")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		check(t, path, "request: unknown key x50")
		if len(l.refusals.seen) != 0 || l.refusals.timer != nil {
			t.Errorf("%d reasons are still remembered", len(l.refusals.seen))
		}
	})
}

func TestEndlessReasonsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		l := open(t, path, Options{})
		for i := range 10_000 {
			refuse(t, l, 1, "request", fmt.Sprint("reason ", i))
		}
		if n := len(l.refusals.seen); n > maxReasons+1 {
			t.Errorf("%d reasons are remembered", n)
		}
		l.Close()
		got := summary(t, path)
		if want := maxReasons + refusalsPerSecond + 1; len(got) != want {
			t.Errorf("%d lines, want %d", len(got), want)
		}
		if want := `request: other reasons, 9734 more by 00.000Z, request ""`; got[len(got)-1] != want {
			t.Errorf("last line %s, want %s", got[len(got)-1], want)
		}
	})
}

func TestACountThatCannotBeWrittenIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := logPath(t)
		l := open(t, path, Options{})
		refuse(t, l, 12, "request", "unknown key")
		disk := &diskFull{file: l.file, room: 20}
		l.mu.Lock()
		l.file = disk
		l.mu.Unlock()
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		refuse(t, l, 5, "request", "unknown key")
		if err := l.AppendRefusal(refusal("request", "no key")); !errors.Is(err, ErrNotWritten) {
			t.Errorf("got %v", err)
		}
		check(t, path, "request: unknown key x10")

		l.mu.Lock()
		disk.room = 1 << 20
		l.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		check(t, path, "request: unknown key x10", `request: unknown key, 7 more by 01.100Z, request ""`)
	})
}

func TestCloseReportsACountThatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, logPath(t), Options{})
		refuse(t, l, 12, "request", "unknown key")
		l.file = &diskFull{file: l.file}
		if err := l.Close(); !errors.Is(err, ErrNotWritten) {
			t.Errorf("got %v", err)
		}
	})
}
