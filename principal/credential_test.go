package principal

import (
	"bufio"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// request is a request with the given raw query and header fields, the fields
// put into the map as they are written: "Name: value".
func request(query string, fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", http.NoBody)
	r.URL.RawQuery = query
	r.RequestURI = r.URL.RequestURI()
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	return r
}

const secret = "hg-Zq3kV9pX7tB1mN5w"

func TestCredential(t *testing.T) {
	tests := []struct {
		name    string
		query   string
		fields  []string
		want    string
		wantErr error
	}{
		// Each way in which a credential can come.
		{name: "bearer", fields: []string{"Authorization: Bearer " + secret}, want: secret},
		{name: "bearer in lower case", fields: []string{"Authorization: bearer " + secret}, want: secret},
		{name: "bearer and two spaces", fields: []string{"Authorization: Bearer  " + secret}, want: secret},
		{name: "x-api-key", fields: []string{"X-Api-Key: " + secret}, want: secret},
		{name: "api-key", fields: []string{"Api-Key: " + secret}, want: secret},
		{name: "x-goog-api-key", fields: []string{"X-Goog-Api-Key: " + secret}, want: secret},
		{name: "name in lower case in the map", fields: []string{"x-api-key: " + secret}, want: secret},
		{name: "query", query: "alt=sse&key=" + secret, want: secret},
		{name: "query with an escaped value", query: "key=a%2Bb%3D", want: "a+b="},
		{name: "query with an escaped name", query: "%6bey=" + secret, want: secret},
		{name: "one credential in every place", query: "key=" + secret, fields: []string{
			"Authorization: Bearer " + secret, "X-Api-Key: " + secret, "Api-Key: " + secret, "X-Goog-Api-Key: " + secret,
		}, want: secret},
		{name: "the longest", fields: []string{"X-Api-Key: " + strings.Repeat("k", maxCredential)}, want: strings.Repeat("k", maxCredential)},

		// None.
		{name: "nothing", wantErr: ErrNoCredential},
		{name: "names that only look alike", query: "keys=a&monkey=b&ke=c&k%65yring=d", fields: []string{
			"Apikey: a", "X-Api-Keys: b", "X-Auth-Key: c", "Proxy-Authorization: Basic d", "Cookie: key=e",
		}, wantErr: ErrNoCredential},
		{name: "key as a value", query: "q=key", wantErr: ErrNoCredential},

		// Two.
		{name: "two headers", fields: []string{"Authorization: Bearer " + secret, "X-Api-Key: other"}, wantErr: ErrTwoCredentials},
		{name: "header and query", query: "key=other", fields: []string{"X-Goog-Api-Key: " + secret}, wantErr: ErrTwoCredentials},
		{name: "one a prefix of the other", query: "key=" + secret + "x", fields: []string{"Api-Key: " + secret}, wantErr: ErrTwoCredentials},
		{name: "two that differ in case", query: "key=" + strings.ToLower(secret), fields: []string{"Api-Key: " + secret}, wantErr: ErrTwoCredentials},

		// Each way in which one can be wrong.
		{name: "basic", fields: []string{"Authorization: Basic aGc6aGc="}, wantErr: ErrBadCredential},
		{name: "no scheme", fields: []string{"Authorization: " + secret}, wantErr: ErrBadCredential},
		{name: "scheme alone", fields: []string{"Authorization: Bearer"}, wantErr: ErrBadCredential},
		{name: "scheme and spaces", fields: []string{"Authorization: Bearer   "}, wantErr: ErrBadCredential},
		{name: "scheme and a tab", fields: []string{"Authorization: Bearer\t" + secret}, wantErr: ErrBadCredential},
		{name: "empty authorization", fields: []string{"Authorization: "}, wantErr: ErrBadCredential},
		{name: "two tokens", fields: []string{"Authorization: Bearer a b"}, wantErr: ErrBadCredential},
		{name: "a list of bearers", fields: []string{"Authorization: Bearer a, Bearer b"}, wantErr: ErrBadCredential},
		{name: "a space behind", fields: []string{"Authorization: Bearer a "}, wantErr: ErrBadCredential},
		{name: "empty header", fields: []string{"X-Api-Key: "}, wantErr: ErrBadCredential},
		{name: "empty beside a good one", fields: []string{"X-Api-Key: ", "Authorization: Bearer " + secret}, wantErr: ErrBadCredential},
		{name: "basic beside a good one", fields: []string{"X-Api-Key: " + secret, "Authorization: Basic aGc6aGc="}, wantErr: ErrBadCredential},
		{name: "header twice", fields: []string{"X-Api-Key: " + secret, "X-Api-Key: " + secret}, wantErr: ErrBadCredential},
		{name: "header in two spellings", fields: []string{"X-Api-Key: " + secret, "x-api-key: " + secret}, wantErr: ErrBadCredential},
		{name: "not ASCII", fields: []string{"X-Api-Key: clé"}, wantErr: ErrBadCredential},
		{name: "not UTF-8", fields: []string{"X-Api-Key: \xff"}, wantErr: ErrBadCredential},
		{name: "a control character", fields: []string{"X-Api-Key: a\x7f"}, wantErr: ErrBadCredential},
		{name: "a newline", fields: []string{"X-Api-Key: a\nb"}, wantErr: ErrBadCredential},
		{name: "too long", fields: []string{"X-Api-Key: " + strings.Repeat("k", maxCredential+1)}, wantErr: ErrBadCredential},
		{name: "empty in the query", query: "key=", wantErr: ErrBadCredential},
		{name: "name alone in the query", query: "key", wantErr: ErrBadCredential},
		{name: "query twice", query: "key=a&key=a", wantErr: ErrBadCredential},
		{name: "query twice, once escaped", query: "key=a&k%65y=a", wantErr: ErrBadCredential},
		{name: "query with a broken escape", query: "key=a%zz", wantErr: ErrBadCredential},
		{name: "query with a space", query: "key=a+b", wantErr: ErrBadCredential},
		{name: "query with NUL", query: "key=a%00", wantErr: ErrBadCredential},

		// Spellings that some other software would take for one of the names.
		{name: "underscores", fields: []string{"X_Api_Key: " + secret}, wantErr: ErrBadCredential},
		{name: "one underscore", fields: []string{"X-Api_key: " + secret}, wantErr: ErrBadCredential},
		{name: "underscores beside the right name", fields: []string{"X-Goog-Api-Key: " + secret, "X_goog_api_key: " + secret}, wantErr: ErrBadCredential},
		{name: "dots", fields: []string{"x.api.key: " + secret}, wantErr: ErrBadCredential},
		{name: "a space behind the name", fields: []string{"Authorization : Bearer " + secret}, wantErr: ErrBadCredential},
		{name: "query in capitals", query: "KEY=" + secret, wantErr: ErrBadCredential},
		{name: "query with a Kelvin sign", query: "%E2%84%AAey=" + secret, wantErr: ErrBadCredential},
		{name: "query as a list", query: "key[]=" + secret, wantErr: ErrBadCredential},
		{name: "query with a space before", query: "+key=" + secret, wantErr: ErrBadCredential},
		{name: "query with NUL in the name", query: "key%00=" + secret, wantErr: ErrBadCredential},
		{name: "query with a dollar", query: "$key=" + secret, wantErr: ErrBadCredential},
		{name: "behind a semicolon", query: "a=b;key=" + secret, wantErr: ErrBadCredential},
		{name: "before a semicolon", query: "key=" + secret + ";a=b", wantErr: ErrBadCredential},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.query, tt.fields...)
			got, err := Credential(r)
			if got != tt.want || !errors.Is(err, tt.wantErr) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.wantErr)
			}
			StripCredentials(r)
			if got, err := Credential(r); !errors.Is(err, ErrNoCredential) {
				t.Errorf("after StripCredentials: got %q, %v", got, err)
			}
		})
	}
}

// What a server reads off the wire, in every spelling that HTTP/1.1 allows.
func TestCredentialOffTheWire(t *testing.T) {
	for _, name := range []string{"authorization", "AUTHORIZATION", "Authorization", "aUTHORIZATION"} {
		wire := "POST /v1/messages HTTP/1.1\r\nHost: gate\r\n" + name + ":   Bearer " + secret + "  \r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Credential(r); err != nil || got != secret {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestStripCredentials(t *testing.T) {
	queries := []struct{ in, want string }{
		{"", ""},
		{"key=a", ""},
		{"key=a&b=c", "b=c"},
		{"b=c&key=a", "b=c"},
		{"z=%2f&key=a&y=+x&Z=1;2&y&=&", "z=%2f&y=+x&Z=1;2&y&=&"},
		{"a&&key=x&&b", "a&&&b"},
		{"key=a&KEY=b&%6bey=c&key[]=d&key", ""},
		{"a=1;key=x;b=2&c=3", "c=3"},
		{"broken=%zz&key=a%zz", "broken=%zz"},
		{"monkey=1&keys=2&q=key", "monkey=1&keys=2&q=key"},
	}
	for _, q := range queries {
		r := request(q.in)
		StripCredentials(r)
		if r.URL.RawQuery != q.want {
			t.Errorf("%q became %q, want %q", q.in, r.URL.RawQuery, q.want)
		}
		if want := r.URL.RequestURI(); r.RequestURI != want {
			t.Errorf("%q: RequestURI %q, want %q", q.in, r.RequestURI, want)
		}
	}

	r := request("", "Authorization: Bearer a", "X-Api-Key: a", "x_api_key: a", "Api-Key: a", "X-Goog-Api-Key: a", "X-Goog-Api-Key: b",
		"Accept: application/json", "Apikey: not one of ours", "Content-Type: application/json")
	r.Trailer = http.Header{"X-Api-Key": {"a"}, "Checksum": {"b"}}
	r.URL.User = url.UserPassword("a", "b")
	StripCredentials(r)
	want := http.Header{"Accept": {"application/json"}, "Apikey": {"not one of ours"}, "Content-Type": {"application/json"}}
	if diff := cmp.Diff(want, r.Header); diff != "" {
		t.Errorf("headers differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(http.Header{"Checksum": {"b"}}, r.Trailer); diff != "" {
		t.Errorf("trailers differ (-want +got):\n%s", diff)
	}
	if r.URL.User != nil {
		t.Error("the URL still has user information")
	}

	StripCredentials(&http.Request{}) // nothing there at all
}

// FuzzCredential holds that whatever a client sends is one credential that it
// did send or one of three errors that hold nothing of it, and that stripping
// leaves nothing to find and all else in place.
func FuzzCredential(f *testing.F) {
	f.Add("Authorization", "Bearer "+secret, "X-Api-Key", secret, "alt=sse&key="+secret)
	f.Add("authorization", "Basic aGc6aGc=", "x_api_key", "", "a=1;key=2&KEY=3")
	f.Add("api-key", "\xff", "API-KEY ", "a", "k%65y&%zz=%zz&&")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2, query string) {
		r := request(query)
		r.Header[name1] = append(r.Header[name1], value1)
		r.Header[name2] = append(r.Header[name2], value2)
		before := r.Header.Clone()

		got, err := Credential(r)
		if err == nil {
			plain, _ := url.QueryUnescape(query)
			if got == "" || !strings.HasSuffix(value1, got) && !strings.HasSuffix(value2, got) && !strings.Contains(plain, got) && !escaped(query, got) {
				t.Fatalf("credential %q comes from nowhere", got)
			}
		} else if got != "" || !slices.Contains([]error{ErrNoCredential, ErrBadCredential, ErrTwoCredentials}, err) {
			t.Fatalf("got %q, %v", got, err)
		}
		if again, err2 := Credential(r); again != got || !errors.Is(err2, err) {
			t.Fatalf("two readings differ: %q, %v and %q, %v", got, err, again, err2)
		}

		StripCredentials(r)
		if got, err := Credential(r); !errors.Is(err, ErrNoCredential) {
			t.Fatalf("stripped, yet got %q, %v", got, err)
		}
		for name, values := range r.Header {
			if !slices.Equal(values, before[name]) {
				t.Fatalf("header %q changed", name)
			}
		}
		if values := r.URL.Query(); values.Has("key") {
			t.Fatalf("key is still in %q", r.URL.RawQuery)
		}
		if errors.Is(err, ErrNoCredential) && (r.URL.RawQuery != query || len(r.Header) != len(before)) {
			t.Fatalf("no credential, yet something was removed: %q became %q", query, r.URL.RawQuery)
		}
	})
}

// escaped tells whether some value of a query is s.
func escaped(query, s string) bool {
	for part := range strings.SplitSeq(query, "&") {
		if _, value, _ := strings.Cut(part, "="); value != "" {
			if plain, err := url.QueryUnescape(value); err == nil && plain == s {
				return true
			}
		}
	}
	return false
}

func BenchmarkCredential(b *testing.B) {
	r := request("", "Authorization: Bearer "+secret, "Accept: application/json", "Content-Type: application/json",
		"User-Agent: OpenAI/Go 3.96.0", "X-Stainless-Lang: go", "X-Stainless-Package-Version: 3.96.0", "X-Stainless-Os: Linux",
		"X-Stainless-Arch: x64", "X-Stainless-Runtime: go", "X-Stainless-Retry-Count: 0", "Content-Length: 512")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Credential(r); err != nil {
			b.Fatal(err)
		}
	}
}
