package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// BenchmarkRunaway: decisions of an honest policy, alone and beside runaway
// ones, in turn; and how long past its deadline a runaway one is denied.
func BenchmarkRunaway(b *testing.B) {
	const timeout = 100 * time.Millisecond
	honest := open(b, "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if {\n\tinput.stage == \"pre_chat\"\n\ttime.now_ns() == 0\n\tinput.principal.roles[_] == \"admin\"\n}\n")
	large := json.RawMessage(`[` + strings.Repeat(`{"role":"user","text":"x","parts":[]},`, 20_000) + `{}]`)
	for name, rule := range map[string]string{
		"walk":          `count([1 | walk(input.messages, [p, v]); walk(input.messages, [p2, v2]); v == v2; p == [-1]]) > 0`,
		"range":         `count(numbers.range(1, 1000000000)) == 0`,
		"comprehension": `count([x | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000); some z in numbers.range(1, 3000); x + y + z == -1]) > 0`,
	} {
		runaway := timed(b, timeout, "package headgate\n\ndefault allow := true\n\ndeny contains \"x\" if {\n\tinput.stage == \"pre_chat\"\n\tinput.messages\n\t"+rule+"\n}\n")
		for _, many := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", name, many), func(b *testing.B) {
				in := input(policy.PreChat, 0, 0)
				one := func() time.Duration {
					start := time.Now()
					if d := honest.Decide(b.Context(), in); d.Action != policy.Allow {
						b.Fatal(d.Reason, d.Detail)
					}
					return time.Since(start)
				}
				var alone, beside, late []time.Duration
				for b.Loop() {
					for range 500 {
						alone = append(alone, one())
					}
					ctx, stop := context.WithCancel(b.Context())
					var runs sync.WaitGroup
					var mu sync.Mutex
					for range many {
						runs.Go(func() {
							for ctx.Err() == nil {
								in := input(policy.PreChat, 0, 0)
								in.Messages = large
								d := runaway.Decide(context.Background(), in)
								if d.Reason != policy.ReasonTimeout {
									b.Error(d.Reason, d.Detail)
									return
								}
								mu.Lock()
								late = append(late, d.Eval)
								mu.Unlock()
							}
						})
					}
					for until := time.Now().Add(5 * timeout); time.Now().Before(until); {
						beside = append(beside, one())
					}
					stop()
					runs.Wait()
				}
				b.ReportMetric(mean(beside)/mean(alone), "slowdown")
				b.ReportMetric(quantile(beside, 0.5)/quantile(alone, 0.5), "slowdown-p50")
				b.ReportMetric(quantile(beside, 0.99)/1e3, "p99-us")
				b.ReportMetric(quantile(late, 0.99)/float64(timeout), "deadlines-p99")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func timed(b testing.TB, timeout time.Duration, text string) policy.Policy {
	b.Helper()
	name := filepath.Join(b.TempDir(), "p.rego")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	src, err := rego.Open(context.Background(), rego.Config{Paths: []string{name}, Timeout: timeout})
	if err != nil {
		b.Fatal(err)
	}
	return src.Current()
}

func mean(d []time.Duration) float64 {
	sum := time.Duration(0)
	for _, x := range d {
		sum += x
	}
	return float64(sum) / float64(len(d))
}

func quantile(d []time.Duration, q float64) float64 {
	d = slices.Sorted(slices.Values(d))
	return float64(d[int(q*float64(len(d)-1))])
}
