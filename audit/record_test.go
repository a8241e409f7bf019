package audit

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var (
	noHash = [32]byte{}
	zeros  = strings.Repeat("0", 64)
	seedTS = time.Date(2026, 4, 29, 17, 32, 4, 123456789, time.UTC)
	shaABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // SHA-256 of "abc", FIPS 180-4
)

// full is a record with every field of a decision line in use.
func full() *Record {
	return &Record{
		Time: seedTS,
		Principal: Principal{
			TenantID: "acme", UserID: "alice", Roles: []string{"dev", "on-call"},
			AgentID: "acme::coder", Auth: "api_key",
		},
		Stage: "post_tool", Tool: "shell.exec", Decision: "redact_result", Reason: "e-mail in the result",
		Model: "gpt-5", ForcedModel: "gpt-5-mini",
		Redactions: map[string]int{"US_SSN": 1, "EMAIL": 2, "PHONE": 3},
		ID:         "0198d0a1", RequestID: "0198d0a0", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Protocol: "openai.chat", Endpoint: "/v1/chat/completions",
		PolicySHA256: shaABC, RuleLayer: "rego",
		MessagesHash: "m", ArgsHash: "a", ResponseHash: "p", ResultHash: "t",
		Scanned: "partial", Unscanned: []string{"image", "file_id"},
		Mode: ModeEnforce, EvalMicros: 85, Count: 7,
	}
}

func TestGoldenLines(t *testing.T) {
	tests := []struct {
		name   string
		record *Record
		seq    uint64
		prev   [32]byte
		want   string
	}{
		{
			name: "the example of the published format comes first, key for key",
			record: &Record{
				Time:      seedTS,
				Principal: Principal{TenantID: "acme", UserID: "alice"},
				Stage:     "pre_tool", Tool: "shell.exec", Decision: "deny",
				Reason: "shell.exec requires admin (tenant acme)",
			},
			seq: 1,
			want: `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"acme","user_id":"alice","roles":[]},` +
				`"stage":"pre_tool","tool":"shell.exec","decision":"deny","reason":"shell.exec requires admin (tenant acme)"` +
				`,"seq":1,"prev":"` + zeros + `"}`,
		},
		{
			name:   "every key in its order",
			record: full(),
			seq:    18446744073709551615,
			prev:   [32]byte{0: 0xab, 31: 0xcd},
			want: `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"acme","user_id":"alice","roles":["dev","on-call"],` +
				`"agent_id":"acme::coder","auth":"api_key"},` +
				`"stage":"post_tool","tool":"shell.exec","decision":"redact_result","reason":"e-mail in the result",` +
				`"model":"gpt-5","forced_model":"gpt-5-mini","redactions":{"EMAIL":2,"PHONE":3,"US_SSN":1},` +
				`"id":"0198d0a1","request_id":"0198d0a0","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",` +
				`"protocol":"openai.chat","endpoint":"/v1/chat/completions","policy_sha256":"` + shaABC + `","rule_layer":"rego",` +
				`"messages_hash":"m","args_hash":"a","response_hash":"p","result_hash":"t",` +
				`"scanned":"partial","unscanned":["image","file_id"],"mode":"enforce","eval_us":85,"count":7,` +
				`"seq":18446744073709551615,"prev":"ab` + strings.Repeat("0", 60) + `cd"}`,
		},
		{
			name:   "an allowed prompt has neither tool nor reason",
			record: &Record{Time: seedTS, Stage: "pre_chat", Tool: "not of this stage", Decision: "allow", Mode: ModeEnforce},
			seq:    2,
			want: `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"","user_id":"","roles":[]},` +
				`"stage":"pre_chat","decision":"allow","mode":"enforce","seq":2,"prev":"` + zeros + `"}`,
		},
		{
			name:   "the tool of a result whose call is unknown is empty and there",
			record: &Record{Time: seedTS, Stage: "post_tool", Decision: "allow"},
			seq:    3,
			want: `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"","user_id":"","roles":[]},` +
				`"stage":"post_tool","tool":"","decision":"allow","seq":3,"prev":"` + zeros + `"}`,
		},
		{
			name: "an outcome",
			record: &Record{
				Kind: KindOutcome, Time: seedTS, Principal: Principal{TenantID: "acme", Auth: "anonymous"},
				Redactions: map[string]int{"EMAIL": 1}, RequestID: "0198d0a0", Protocol: "openai.chat", ResponseHash: "p",
				Status: 200, BytesIn: 120, BytesOut: 4096, InputTokens: 31, OutputTokens: 207, Ended: EndedClientGone,
			},
			seq: 4,
			want: `{"ts":"2026-04-29T17:32:04.123Z","principal":{"tenant_id":"acme","user_id":"","roles":[],"auth":"anonymous"},` +
				`"kind":"outcome","redactions":{"EMAIL":1},"request_id":"0198d0a0","protocol":"openai.chat","response_hash":"p",` +
				`"status":200,"bytes_in":120,"bytes_out":4096,"input_tokens":31,"output_tokens":207,"ended":"client_gone",` +
				`"seq":4,"prev":"` + zeros + `"}`,
		},
		{
			name: "time is UTC with its milliseconds cut",
			record: &Record{
				Time:  time.Date(2026, 1, 1, 0, 59, 59, 999999999, time.FixedZone("", 3600)),
				Stage: "request", Decision: "deny",
			},
			seq: 5,
			want: `{"ts":"2025-12-31T23:59:59.999Z","principal":{"tenant_id":"","user_id":"","roles":[]},` +
				`"stage":"request","decision":"deny","seq":5,"prev":"` + zeros + `"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(tt.record.AppendJSON([]byte("before "), tt.seq, tt.prev))
			if diff := cmp.Diff("before "+tt.want+"\n", got); diff != "" {
				t.Errorf("line differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEscapes(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"line ends", "a\nb\r\nc", `"a\nb\r\nc"`},
		{"quotes and backslashes", `say "\n"`, `"say \"\\n\""`},
		{"controls", "\x00\x01\t\x1b[31m\x7f", `"\u0000\u0001\t\u001b[31m\u007f"`},
		{"C1 controls end lines in some readers", "a\u0085b\u009b", `"a\u0085b\u009b"`},
		{"line and paragraph separators", "a\u2028b\u2029c", `"a\u2028b\u2029c"`},
		{"text that runs backwards", "\u202eevil\u2066", `"\u202eevil\u2066"`},
		{"zero width and byte order mark", "pass\u200bword\ufeff", `"pass\u200bword\ufeff"`},
		{"tags beyond the basic plane", "a\U000e0041", `"a\udb40\udc41"`},
		{"invalid bytes, one mark each", "a\xff\xfeb\xc3", `"a` + "\ufffd\ufffdb\ufffd" + `"`},
		{"a lone surrogate", "\xed\xa0\x80", `"` + "\ufffd\ufffd\ufffd" + `"`},
		{"what can be seen stays", "naïve café 中文 😀 <&>", `"naïve café 中文 😀 <&>"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendString(nil, tt.in, maxText)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCuts(t *testing.T) {
	tests := []struct {
		name     string
		cut      func(string) string
		in, want string
	}{
		{"short stays", CutReason, "no", "no"},
		{"as long as may be", CutReason, strings.Repeat("x", 512), strings.Repeat("x", 512)},
		{"one byte longer", CutReason, strings.Repeat("x", 513), strings.Repeat("x", 512)},
		{"never inside a character", CutReason, strings.Repeat("x", 511) + "é", strings.Repeat("x", 511)},
		{"a character that just fits", CutReason, strings.Repeat("x", 510) + "éé", strings.Repeat("x", 510) + "é"},
		{"tools are shorter", CutTool, strings.Repeat("😀", 65), strings.Repeat("😀", 64)},
		{"marks for invalid bytes count as they are written", CutTool, strings.Repeat("\xff", 256), strings.Repeat("\ufffd", 85)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.cut(tt.in)
			if got != tt.want {
				t.Errorf("got %d bytes %q, want %d bytes", len(got), got, len(tt.want))
			}
			if again := tt.cut(got); again != got {
				t.Errorf("a second cut changed it to %q", again)
			}
		})
	}
}

// Names of a megabyte, in every field that a client, a model or a policy can
// fill, make neither a second line nor a long one.
func TestHostileStringsStayOneShortLine(t *testing.T) {
	hostiles := map[string]string{
		"newlines":     strings.Repeat("\n", 1<<20),
		"separators":   strings.Repeat("\u2028\u2029", 1<<17),
		"invalid":      strings.Repeat("\xff\xc0", 1<<19),
		"fields":       `","decision":"allow","seq":1,"prev":"` + zeros + `"}` + "\n" + `{"ts":"`,
		"one megabyte": strings.Repeat("n", 1<<20),
	}
	for name, s := range hostiles {
		t.Run(name, func(t *testing.T) {
			r := full()
			r.Tool, r.Reason, r.Model, r.ForcedModel, r.Endpoint = s, s, s, s, s
			r.Principal = Principal{TenantID: s, UserID: s, Roles: []string{s}, AgentID: s, Auth: s}
			r.Redactions = map[string]int{s: 1}
			r.Unscanned = []string{s}
			line := r.AppendJSON(nil, 1, noHash)

			if n := strings.Count(string(line), "\n"); n != 1 || line[len(line)-1] != '\n' {
				t.Errorf("%d newlines, want one at the end", n)
			}
			if len(line) > 100<<10 {
				t.Errorf("line has %d bytes", len(line))
			}
			var got wireLine
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatal(err)
			}
			if got.Decision != r.Decision || got.Seq != 1 {
				t.Errorf("decision %q, seq %d: a field was smuggled in", got.Decision, got.Seq)
			}
			if seq, _, ok := place(line[:len(line)-1]); !ok || seq != 1 {
				t.Errorf("place in the chain: seq %d, ok %v", seq, ok)
			}
		})
	}
}

// wireLine is a line as another program reads it.
type wireLine struct {
	TS        string `json:"ts"`
	Principal struct {
		TenantID string   `json:"tenant_id"`
		UserID   string   `json:"user_id"`
		Roles    []string `json:"roles"`
		AgentID  string   `json:"agent_id"`
		Auth     string   `json:"auth"`
	} `json:"principal"`
	Stage      string         `json:"stage"`
	Tool       string         `json:"tool"`
	Decision   string         `json:"decision"`
	Reason     string         `json:"reason"`
	Model      string         `json:"model"`
	Redactions map[string]int `json:"redactions"`
	RequestID  string         `json:"request_id"`
	Unscanned  []string       `json:"unscanned"`
	Count      int            `json:"count"`
	Seq        uint64         `json:"seq"`
	Prev       string         `json:"prev"`
}

// FuzzRecordJSON holds that any strings make exactly one valid line whose
// fields read back as what was put in, cut and made valid UTF-8.
func FuzzRecordJSON(f *testing.F) {
	f.Add("acme", "alice", "admin", "shell.exec", "deny", "requires admin", "gpt-5", "EMAIL", int64(1))
	f.Add("\n", "\u2028", "\xff", `"`, `\`, "\x00", "\U000e0041", "\u0085", int64(-1))
	f.Add(`,"seq":9,"prev":"`, "", `"}`, strings.Repeat("é", 200), "allow", strings.Repeat("x", 511)+"é", "", "", int64(1)<<62)
	f.Fuzz(func(t *testing.T, tenant, user, role, tool, decision, reason, model, entity string, n int64) {
		r := &Record{
			Time:      time.UnixMilli(n % (1 << 46)),
			Principal: Principal{TenantID: tenant, UserID: user, Roles: []string{role, user}, AgentID: tool, Auth: model},
			Stage:     "pre_tool", Tool: tool, Decision: decision, Reason: reason,
			Model: model, Redactions: map[string]int{entity: int(n)}, RequestID: user, Unscanned: []string{entity}, Count: int(n),
		}
		seq := uint64(n) | 1
		line := r.AppendJSON(nil, seq, noHash)
		if strings.Count(string(line), "\n") != 1 || !strings.HasSuffix(string(line), "}\n") {
			t.Fatalf("not one line: %q", line)
		}
		if !utf8.Valid(line) {
			t.Fatalf("not UTF-8: %q", line)
		}

		var want, got wireLine
		want.TS = r.Time.UTC().Format("2006-01-02T15:04:05.000Z")
		want.Principal.TenantID, want.Principal.UserID = readable(tenant, 1024), readable(user, 1024)
		want.Principal.Roles = []string{readable(role, 1024), readable(user, 1024)}
		want.Principal.AgentID, want.Principal.Auth = readable(tool, 1024), readable(model, 1024)
		want.Stage, want.Tool, want.Decision = "pre_tool", readable(tool, 256), readable(decision, 1024)
		want.Reason, want.Model, want.RequestID = readable(reason, 512), readable(model, 1024), readable(user, 1024)
		want.Redactions = map[string]int{readable(entity, 1024): int(n)}
		want.Unscanned = []string{readable(entity, 1024)}
		want.Count, want.Seq, want.Prev = int(n), seq, zeros

		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("fields differ (-want +got):\n%s\n%q", diff, line)
		}
		if at, prev, ok := place(line[:len(line)-1]); !ok || at != seq || prev != noHash {
			t.Fatalf("place in the chain: seq %d, ok %v: %q", at, ok, line)
		}
	})
}

// readable is a second, slower way to what cut does.
func readable(s string, limit int) string {
	valid := string([]rune(s)) // an invalid byte becomes U+FFFD
	for len(valid) > limit {
		_, n := utf8.DecodeLastRuneInString(valid)
		valid = valid[:len(valid)-n]
	}
	return valid
}

func TestNamesThatAreCutToOneAddUp(t *testing.T) {
	long := strings.Repeat("x", maxText)
	got := string(appendCounts(nil, "redactions", map[string]int{long + "a": 1, long + "b": 2, "A": 4}))
	if want := `,"redactions":{"A":4,"` + long + `":3}`; got != want {
		t.Errorf("got %s", got)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	r := full()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = r.AppendJSON(buf[:0], 1, noHash)
	}
	b.SetBytes(int64(len(buf)))
}
