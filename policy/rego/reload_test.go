package rego_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// A thousand reloads under load: every decision is that of one whole revision
// of two files and a data document, and the memory does not grow.
func TestThousandReloads(t *testing.T) {
	reloads := 1000
	if testing.Short() {
		reloads = 100
	}
	dir := t.TempDir()
	// The directory is swapped whole, by its link, as a Kubernetes volume is.
	write := func(i int) {
		next := filepath.Join(dir, fmt.Sprint("v", i))
		for name, text := range map[string]string{
			"one.rego":  fmt.Sprintf("package headgate\n\ndefault allow := true\n\ndeny contains \"one %d\" if input.stage == \"pre_chat\"\n", i),
			"two.rego":  fmt.Sprintf("package headgate\n\ndeny contains \"two %d\" if input.stage == \"pre_chat\"\n\ndeny contains sprintf(\"zero %%v\", [data.n]) if input.stage == \"pre_chat\"\n", i),
			"data.json": fmt.Sprintf(`{"n": %d, "ballast": %q}`, i, strings.Repeat("x", 10_000)),
		} {
			writeFile(t, filepath.Join(next, name), text)
		}
		link := filepath.Join(dir, "link")
		if err := os.Symlink(next, link+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
		if i > 1 {
			if err := os.RemoveAll(filepath.Join(dir, fmt.Sprint("v", i-2))); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(0)
	src := open(t, rego.Config{
		Paths:   []string{filepath.Join(dir, "link", "one.rego"), filepath.Join(dir, "link", "two.rego")},
		Data:    []string{filepath.Join(dir, "link", "data.json")},
		Timeout: time.Minute,
	})
	// Each reload comes with a number of decisions, so that both go on at once
	// and neither waits for the other for long.
	const decisions = 40
	work := make(chan struct{}, decisions)
	var decided atomic.Int64
	var load sync.WaitGroup
	for worker := range 2 {
		load.Go(func() {
			for range work {
				in := &policy.Input{Stage: policy.PreChat, Model: fmt.Sprint("m", worker, decided.Load()%50)}
				d := src.Current().Decide(context.Background(), in)
				var a, b, c int
				if n, _ := fmt.Sscanf(d.Reason, "one %d; two %d; zero %d", &a, &b, &c); n != 3 || a != b || b != c {
					t.Errorf("half a policy decided: %q (%s)", d.Reason, d.Detail)
				}
				decided.Add(1)
			}
		})
	}
	heap := func() uint64 {
		for range 3 { // cleanups run after a collection
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var before uint64
	for i := 1; i <= reloads; i++ {
		write(i)
		for range decisions {
			work <- struct{}{}
		}
		if changed, err := src.Reload(context.Background()); err != nil || !changed {
			t.Fatalf("reload %d: %v %v", i, changed, err)
		}
		if i == reloads/10 {
			before = heap()
		}
	}
	after := heap()
	close(work)
	load.Wait()
	if st := src.Status(); st.Reloads != uint64(reloads) || st.Failures != 0 {
		t.Errorf("status %+v", st)
	}
	t.Logf("%d decisions, heap %d KB after a tenth and %d KB at the end", decided.Load(), before>>10, after>>10)
	if decided.Load() != int64(reloads*decisions) {
		t.Errorf("only %d decisions", decided.Load())
	}
	// What each revision holds is about 100 KB: 900 of them would be 90 MB.
	if after > before+16<<20 {
		t.Errorf("the heap grew from %d KB to %d KB", before>>10, after>>10)
	}
}
