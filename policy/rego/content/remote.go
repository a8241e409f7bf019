package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Defaults of bundle servers.
const (
	DefaultPoll  = 30 * time.Second
	fetchTimeout = 10 * time.Second
)

// ErrFetch is the error of a bundle server that did not give a bundle.
var ErrFetch = errors.New("the bundle server gave no bundle")

// IsRemote tells a bundle server's URL from a path.
func IsRemote(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

// Remote is a bundle on a server, asked again and again with If-None-Match
// (RFC 9110, section 13.1.2). The last good bundle stays while the server fails.
type Remote struct {
	url     string
	servers Servers

	due     time.Time // of the next request
	got     *Bundle   // the last one that could be read
	sum     string    // of its bytes
	etag    string
	checked time.Time // when the server last answered well
	err     error     // of the last attempt
}

// Servers says how bundle servers are asked.
type Servers struct {
	// Poll is how often one is asked; 0 is [DefaultPoll].
	Poll time.Duration
	// Header goes with each request, such as Authorization.
	Header http.Header
	// Client makes the requests; nil is one with the usual settings.
	Client *http.Client
	// Verify, where it is set, requires that every bundle is signed.
	Verify *Verification
}

// NewRemote is the bundle at a URL.
func NewRemote(url string, s Servers) *Remote {
	if s.Client == nil {
		s.Client = &http.Client{Timeout: fetchTimeout, CheckRedirect: s.CheckRedirect}
	}
	if s.Poll == 0 {
		s.Poll = DefaultPoll
	}
	return &Remote{url: url, servers: s}
}

// CheckRedirect is for an [http.Client]: it follows a redirection, as storage
// services use them, but not from https to http, and takes the configured
// headers along to the same host only.
func (s *Servers) CheckRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) >= 10:
		return errors.New("redirected too often")
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirected from https to http")
	case req.URL.Host != first.Host:
		for name := range s.Header {
			req.Header.Del(name)
		}
	}
	return nil
}

// Bundle is the last one that could be read.
func (r *Remote) Bundle() *Bundle { return r.got }

// Due tells whether it is time to ask again.
func (r *Remote) Due(now time.Time) bool { return !now.Before(r.due) }

// Contact tells when the server last answered well, and how the last attempt
// ended.
func (r *Remote) Contact() (checked time.Time, err error) { return r.checked, r.err }

// lastFetched keeps, for the life of the process, the last good answer of every
// server, so that a new configuration starts while a server is down.
var lastFetched sync.Map // URL → fetched

type fetched struct {
	raw  []byte
	etag string
	at   time.Time
}

// Name is the URL as logs show it, without its query.
func (r *Remote) Name() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return "bundle server"
	}
	u.RawQuery = ""
	return u.Redacted()
}

// Open asks the server for the first time; if it fails, what an earlier
// configuration got will do, verified anew.
func (r *Remote) Open(ctx context.Context) error {
	err := r.Refresh(ctx)
	if err == nil {
		return nil
	}
	v, ok := lastFetched.Load(r.url)
	if !ok {
		return err
	}
	last := v.(fetched)
	if r.take(last.raw) != nil {
		return err
	}
	r.etag, r.checked = last.etag, last.at
	return nil
}

// Refresh asks the server for a bundle that is not the present one.
func (r *Remote) Refresh(ctx context.Context) error {
	r.due = time.Now().Add(r.servers.Poll - time.Duration(rand.Int64N(int64(r.servers.Poll)/10+1)))
	r.err = r.fetch(ctx)
	return r.err
}

func (r *Remote) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return fmt.Errorf("%w: the URL cannot be used", ErrFetch)
	}
	for name, values := range r.servers.Header {
		req.Header[name] = values
	}
	req.Header.Set("Prefer", "modes=snapshot") // no delta bundles
	if r.etag != "" {
		req.Header.Set("If-None-Match", r.etag)
	}
	resp, err := r.servers.Client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold a token
		}
		return fmt.Errorf("%s: %w: %w", r.Name(), ErrFetch, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && r.got != nil:
		r.checked = time.Now()
		return nil
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w: status %d", r.Name(), ErrFetch, resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBundleSize+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w: it broke off", r.Name(), ErrFetch)
	case len(raw) > maxBundleSize:
		return fmt.Errorf("%s: %w: a bundle of more than %d bytes", r.Name(), ErrTooLarge, maxBundleSize)
	}
	if err := r.take(raw); err != nil {
		return err
	}
	r.etag, r.checked = resp.Header.Get("ETag"), time.Now()
	lastFetched.Store(r.url, fetched{raw: raw, etag: r.etag, at: r.checked})
	return nil
}

// take reads a bundle and makes it the present one.
func (r *Remote) take(raw []byte) error {
	sum := HexSHA256(raw)
	if r.got != nil && sum == r.sum {
		return nil
	}
	b, err := openBundle(r.Name(), raw, r.servers.Verify)
	if err != nil {
		return err
	}
	b.place = r.url
	if err := revisions.check(b); err != nil {
		return fmt.Errorf("%s: %w", r.Name(), err)
	}
	r.got, r.sum = b, sum
	return nil
}

// Stamp changes with the bundle.
func (r *Remote) Stamp() Stamp {
	return Stamp{Name: r.url, Rel: r.sum, kind: kindBundle}
}
