package sse

import (
	"bytes"
	"slices"
	"testing"
)

// chatStream returns n chunks of about 250 bytes each.
func chatStream(n int) []byte {
	var b bytes.Buffer
	for range n {
		b.WriteString(`data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk","created":1783375764,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_1234567890","choices":[{"index":0,"delta":{"content":" word"}}]}` + "\n\n")
	}
	return b.Bytes()
}

func BenchmarkReader(b *testing.B) {
	stream := chatStream(1000)
	for name, size := range map[string]int{"4KB": 4 << 10, "250B": 250, "32KB": 32 << 10} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				var r Reader
				n := 0
				for p := range slices.Chunk(stream, size) {
					r.Feed(p)
					for {
						_, ok, err := r.Next()
						if err != nil {
							b.Fatal(err)
						}
						if !ok {
							break
						}
						n++
					}
				}
				if n != 1000 {
					b.Fatal(n, "events")
				}
			}
		})
	}
}

func BenchmarkAppendData(b *testing.B) {
	var r Reader
	r.Feed(chatStream(1))
	ev, _, _ := r.Next()
	data := slices.Clone(ev.Data)
	b.SetBytes(int64(len(ev.Raw)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = AppendData(dst[:0], ev, data)
	}
}
