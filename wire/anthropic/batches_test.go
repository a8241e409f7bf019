package anthropic

import (
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/wire"
	"github.com/headgate/headgate/wire/internal/recordings"
)

// TestRealBatches: what clients and the API really send is understood.
func TestRealBatches(t *testing.T) {
	all, err := recordings.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Protocol != "anthropic-batches" {
			continue
		}
		if r.Request != nil && strings.Contains(r.Request.Body, "requests") {
			b, err := Batches{}.Batch(wire.Incoming{Body: []byte(r.Request.Body)})
			if err != nil || len(b.Items) == 0 {
				t.Errorf("%s: %v", r.ID, err)
				continue
			}
			for _, it := range b.Items {
				if _, err := it.Codec.Request(wire.Incoming{Body: []byte(r.Request.Body)[it.Start:it.End]}); err != nil {
					t.Errorf("%s: %s: %v", r.ID, it.Name, err)
				}
			}
		}
		if r.Response != nil {
			if _, err := batches.Record([]byte(r.Response.Body)); err != nil {
				t.Errorf("%s: %v", r.ID, err)
			}
		}
	}
}

func TestBatchIDs(t *testing.T) {
	req, err := BatchResults{}.Ask(wire.Incoming{Params: wire.Params{"batch": "msgbatch_1"}})
	if err != nil || !slices.Equal(req.(wire.Referrer).References(), []string{"msgbatch_1"}) {
		t.Errorf("%v", err)
	}
	reply, err := Batches{}.Record([]byte(`{"id":"msgbatch_1","results_url":null}`))
	if err != nil || !slices.Equal(reply.(wire.Creator).Created(), []string{"msgbatch_1"}) {
		t.Errorf("%v", err)
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"requests":[{"custom_id":"1","params":{"model":"m","messages":[]}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Batches{}.Batch(wire.Incoming{Body: body})
		if err != nil {
			return
		}
		for _, it := range b.Items {
			if p := body[it.Start:it.End]; p[0] != '{' || p[len(p)-1] != '}' {
				t.Fatalf("%s is %q", it.Name, p)
			}
		}
	})
}

func FuzzBatchResults(f *testing.F) {
	f.Add([]byte(`{"custom_id":"1","result":{"type":"succeeded","message":{"content":[]}}}` + "\n" + `{"custom_id":"2","result":{"type":"expired"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		res, err := BatchResults{}.Results(body)
		if err != nil {
			return
		}
		for _, it := range res.Items {
			if it.From > it.Start || it.To < it.End || body[it.From] != '{' {
				t.Fatalf("%+v", it)
			}
		}
	})
}
