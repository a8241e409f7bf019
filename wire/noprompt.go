package wire

// Nothing is a [Request] that carries no prompt: it names no model, offers no
// tool and asks for no stream. Its texts are words that stand beside, such as
// names and metadata. References makes it a [Referrer].
type Nothing struct {
	Words []Text
	IDs   []string
}

// Texts are the words that stand beside.
func (n *Nothing) Texts() []Text { return n.Words }

// References are the ids that the request speaks of.
func (n *Nothing) References() []string { return n.IDs }

// Model is empty.
func (*Nothing) Model() string { return "" }

// Stream is false.
func (*Nothing) Stream() bool { return false }

// Tools are none.
func (*Nothing) Tools() []string { return nil }

// Unscanned is empty.
func (*Nothing) Unscanned() []string { return nil }

// Results are none.
func (*Nothing) Results() []Result { return nil }

// Messages is the conversation without a message.
func (*Nothing) Messages() []byte { return []byte("[]") }

// ForceModel leaves the body as it is.
func (*Nothing) ForceModel(body []byte, _ string) ([]byte, error) { return body, nil }

// HideTools leaves the body as it is.
func (*Nothing) HideTools(body []byte, _ func(string) bool) ([]byte, error) { return body, nil }

// Release has nothing to give back.
func (*Nothing) Release() {}

// Interface guards
var (
	_ Request  = (*Nothing)(nil)
	_ Referrer = (*Nothing)(nil)
)
