package enforce

import (
	"strings"

	"github.com/headgate/headgate/wire"
)

// kind is what a sort of endpoint does with an exchange. There is one for each
// kind of codec that package wire has.
type kind interface {
	// admit decides a request whose envelope was accepted; see
	// [Exchange.Admit].
	admit(x *Exchange, body []byte) (*Reply, bool)
	// classify says how a successful reply of some media type is read:
	// modeWhole, modeStream (p.format is then set), or modeRefuse. The media
	// type is empty where the upstream names none.
	classify(p *Reply, media string) replyMode
	// whole decides a reply that was read whole, and sends it.
	whole(p *Reply)
	// stream begins to decide a stream.
	stream(p *Reply) streamer
}

// failing is a kind that decides replies which are no success itself; see
// [Reply.closeError].
type failing interface {
	kind
	// failed decides such a reply, which was read whole, and sends it.
	failed(p *Reply)
}

// streamer decides a streamed reply.
type streamer interface {
	// write takes a piece of the upstream's bytes. An error asks the upstream's
	// side to stop.
	write(b []byte) error
	// close ends the stream; err is why the upstream's side ended.
	close(err error)
	// stop refuses the rest. What is still held never goes out.
	stop(ref *wire.Refusal)
	// over tells whether the client was sent the whole stream.
	over() bool
	// complete notes that it was.
	complete()
	// usage is what the upstream has said so far; nil for nothing.
	usage() *wire.Usage
}

// kindOf finds the kind of a codec; nil where there is none.
func kindOf(c wire.Codec) kind {
	switch c := c.(type) {
	case wire.MediaCodec: // which is a ChatCodec too
		return &mediaKind{chatKind: chatKind{c}, codec: c}
	case wire.ChatCodec:
		return chatKind{c}
	case wire.RPCCodec:
		return &rpcKind{codec: c}
	case wire.ToolCodec:
		return &toolKind{codec: c}
	case wire.ListCodec:
		return listKind{c}
	case wire.BatchCodec: // which has the replies of a RecordCodec
		return batchKind{recordKind{c}, c}
	case wire.RecordCodec:
		return recordKind{c}
	case wire.ResultsCodec:
		return resultsKind{recordKind{}, c}
	}
	return nil
}

// chatKind is for prompts and the replies of models.
type chatKind struct{ codec wire.ChatCodec }

func (k chatKind) admit(x *Exchange, body []byte) (*Reply, bool) { return x.prompt(k.codec, body) }
func (k chatKind) whole(p *Reply)                                { p.closeJSON() }
func (k chatKind) stream(p *Reply) streamer                      { return newStreamReply(p) }

func (k chatKind) classify(p *Reply, media string) replyMode {
	p.format = formatOf(k.codec, media, p.x.stream)
	switch {
	case p.format != nil:
		return modeStream
	case media == "application/json", strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"):
		return modeWhole
	}
	return modeRefuse
}

// Interface guards
var (
	_ kind     = chatKind{}
	_ streamer = (*streamReply)(nil)
)
