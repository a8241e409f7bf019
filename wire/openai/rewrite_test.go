package openai

import "github.com/headgate/headgate/wire"

// rewriteOne is Rewrite for streams in which one event becomes one or none.
func rewriteOne(s wire.Stream, ev *wire.Event, data []byte, texts []wire.PieceText, verdict func(wire.CallKey) wire.Verdict) (out []byte, drop bool, err error) {
	w, err := s.Rewrite(ev, data, texts, verdict)
	if err != nil || len(w) == 0 {
		return nil, err == nil, err
	}
	return w[0].Data, false, nil
}
