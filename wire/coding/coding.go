// Package coding takes content codings (RFC 9110, section 8.4.1) off a body,
// under a limit, so that the gate reads what the receiver would read.
package coding

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Errors of [Of] and [Decode].
var (
	// ErrUnknown: a coding that is not known here, or more than one.
	ErrUnknown = errors.New("the content coding is not supported; use one of " + Supported)
	// ErrBroken: the bytes are not of the coding, break off, or more follows.
	ErrBroken = errors.New("the body is not what its content coding says")
	// ErrTooLarge: the decoded body is over the limit.
	ErrTooLarge = errors.New("the decoded body is over the limit")
)

// Supported lists the codings, as for Accept-Encoding.
const Supported = "gzip, deflate, br, zstd"

// maxWindow bounds what a zstd frame may ask a decoder to remember: 8 MiB, which
// RFC 8878 recommends to support, and RFC 9659 makes the limit for HTTP.
const maxWindow = 8 << 20

// Of reads the values of Content-Encoding. The coding is "" for a body as it is
// (no value, or identity). Codings on top of each other are [ErrUnknown]: no
// client needs them.
func Of(values []string) (coding string, err error) {
	for _, v := range values {
		for c := range strings.SplitSeq(v, ",") {
			c = strings.ToLower(strings.Trim(c, " \t"))
			switch c {
			case "", "identity":
				continue
			case "x-gzip":
				c = "gzip"
			case "gzip", "deflate", "br", "zstd":
			default:
				return "", ErrUnknown
			}
			if coding != "" {
				return "", ErrUnknown
			}
			coding = c
		}
	}
	return coding, nil
}

// Decode takes a coding that [Of] gave off a body. It reads no more than limit
// and one bytes of the result. A gzip body has one member, and nothing follows
// the end of any: what stands there some receivers read and others do not.
func Decode(coding string, body []byte, limit int64) ([]byte, error) {
	in := bytes.NewReader(body)
	r, err := reader(coding, in)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if len(body) == 0 {
		return nil, ErrBroken // to some decoders it is an empty body
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case int64(len(out)) > limit:
		return nil, ErrTooLarge
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, ErrTooLarge
	case err != nil, in.Len() > 0:
		return nil, ErrBroken
	}
	return out, nil
}

func reader(coding string, in *bytes.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, ErrBroken
		}
		z.Multistream(false)
		return z, nil
	case "deflate":
		z, err := zlib.NewReader(in)
		if err != nil {
			return nil, ErrBroken
		}
		return z, nil
	case "br":
		return io.NopCloser(brotli.NewReader(in)), nil
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, ErrBroken
		}
		return z.IOReadCloser(), nil
	}
	return nil, ErrUnknown
}
