package allowlist

import (
	"bytes"
	"context"
	"fmt"
)

// Bytes are the document in force, as it was written.
func (e *Engine) Bytes() []byte { return bytes.Clone(e.List().src) }

// Replace makes src the document: it is read as [Parse] does, its Rego is
// compiled by the policy, it is saved into the engine's file as [Save] does, and
// it comes into force. On an error the file and what is decided stay as they
// were; faults are told as file:line:col. src is saved as it is, except that a
// document with a rego_wasm_base64, which need not fit its rego, is written anew
// without it.
func (e *Engine) Replace(ctx context.Context, src []byte) error {
	e.load.Lock()
	defer e.load.Unlock()
	l, err := Parse(e.config.Path, src)
	if err != nil {
		return err
	}
	if l.wasm {
		if l, err = rewritten(e.config.Path, l); err != nil {
			return err
		}
	}
	f, err := stage(e.config.Path, l.src)
	if err != nil {
		return err
	}
	defer f.discard()
	if err := e.take(ctx, l, f.rename); err != nil {
		return err
	}
	e.seen, e.refused = f.info, false
	if err := f.syncDir(); err != nil {
		e.log.Warn("allowlist saved, but a crash of the machine may lose it", "error", err.Error())
	}
	e.loaded(l)
	return nil
}

// rewritten is a list as its document is encoded.
func rewritten(name string, l *List) (*List, error) {
	src, err := l.doc.Encode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return Parse(name, src)
}
