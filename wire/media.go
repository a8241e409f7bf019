package wire

// MediaCodec is a [ChatCodec] whose replies may also be texts that are no JSON,
// or media.
type MediaCodec interface {
	ChatCodec
	// Text reads a successful reply of a media type that is a text; ok is
	// false where the type is none. Errors are *[Error].
	Text(media string, body []byte) (r Reply, ok bool, err error)
	// Medium names the fact that a reply of some media type is, "audio" or
	// "image"; empty where such a reply does not belong.
	Medium(media string) string
}

// Opaque is a [Reply] or a [Stream] that holds what cannot be looked into.
type Opaque interface {
	// Unscanned lists the facts; see [Request.Unscanned].
	Unscanned() []string
}
