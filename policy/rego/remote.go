package rego

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

// isRemote tells a bundle server's URL from a path.
func isRemote(path string) bool {
	return strings.HasPrefix(path, "https://") || strings.HasPrefix(path, "http://")
}

// remote is a bundle on a server, asked again and again with If-None-Match
// (RFC 9110, section 13.1.2). The last good bundle stays while the server fails.
type remote struct {
	url    string
	header http.Header
	client *http.Client
	verify *Verification
	poll   time.Duration

	due     time.Time // of the next request
	got     *bundled  // the last one that could be read
	sum     string    // of its bytes
	etag    string
	checked time.Time // when the server last answered well
	err     error     // of the last attempt
}

// lastFetched keeps, for the life of the process, the last good answer of every
// server, so that a new configuration starts while a server is down.
var lastFetched sync.Map // URL → fetched

type fetched struct {
	raw  []byte
	etag string
	at   time.Time
}

// redacted is the URL as logs show it.
func (r *remote) redacted() string {
	u, err := url.Parse(r.url)
	if err != nil {
		return "bundle server"
	}
	u.RawQuery = ""
	return u.Redacted()
}

// open asks the server for the first time; if it fails, what an earlier
// configuration got will do, verified anew.
func (r *remote) open(ctx context.Context) error {
	err := r.refresh(ctx)
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

// refresh asks the server for a bundle that is not the present one.
func (r *remote) refresh(ctx context.Context) error {
	r.due = time.Now().Add(r.poll - time.Duration(rand.Int64N(int64(r.poll)/10+1)))
	r.err = r.fetch(ctx)
	return r.err
}

func (r *remote) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return fmt.Errorf("%w: the URL cannot be used", ErrFetch)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Prefer", "modes=snapshot") // no delta bundles
	if r.etag != "" {
		req.Header.Set("If-None-Match", r.etag)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold a token
		}
		return fmt.Errorf("%s: %w: %w", r.redacted(), ErrFetch, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && r.got != nil:
		r.checked = time.Now()
		return nil
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %w: status %d", r.redacted(), ErrFetch, resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBundleSize+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w: it broke off", r.redacted(), ErrFetch)
	case len(raw) > maxBundleSize:
		return fmt.Errorf("%s: %w: a bundle of more than %d bytes", r.redacted(), ErrTooLarge, maxBundleSize)
	}
	if err := r.take(raw); err != nil {
		return err
	}
	r.etag, r.checked = resp.Header.Get("ETag"), time.Now()
	lastFetched.Store(r.url, fetched{raw: raw, etag: r.etag, at: r.checked})
	return nil
}

// take reads a bundle and makes it the present one.
func (r *remote) take(raw []byte) error {
	sum := hexSHA256(raw)
	if r.got != nil && sum == r.sum {
		return nil
	}
	b, err := openBundle(r.redacted(), raw, r.verify)
	if err != nil {
		return err
	}
	if err := revisions.check(r.url, b.revision); err != nil {
		return fmt.Errorf("%s: %w", r.redacted(), err)
	}
	r.got, r.sum = b, sum
	return nil
}

// stamp changes with the bundle.
func (r *remote) stamp() stamp {
	return stamp{name: r.url, rel: r.sum, kind: kindBundle}
}

// BundleStatus tells how one bundle stands.
type BundleStatus struct {
	Name     string // path, or URL without its query
	Revision string // of the bundle in force
	// Checked is when a server last answered well; the zero time for a file.
	Checked time.Time
	// Err is why the last attempt to fetch it failed, nil after a success.
	Err error
}
