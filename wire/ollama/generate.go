package ollama

import (
	"github.com/headgate/headgate/wire"
)

// Generate is the codec of POST /generate.
type Generate struct{ ndjson }

// Protocol is "ollama".
func (Generate) Protocol() string { return "ollama" }

// Request reads
//
//	{"model", "prompt", "suffix", "system", "template", "raw", "images", "stream", "format", "options", "think", "keep_alive"}
//
// as a conversation: the system text and the template, whose words the model
// reads, are system messages, the prompt with its images and the suffix are user
// messages. `context`, the token ids of an earlier conversation, is refused: it
// is text that nobody here can read.
func (Generate) Request(in wire.Incoming) (wire.Request, error) {
	return readRequest(in, true, func(r *request) error {
		if err := r.alone("prompt", toolNames...); err != nil {
			return err
		}
		for _, m := range []struct{ name, role string }{
			{"system", "system"}, {"template", "system"}, {"prompt", "user"}, {"suffix", "user"},
		} {
			if v := r.root.Get(m.name); m.name == "prompt" || !v.EqualStr("") { // an empty one is none
				if err := r.say(m.role, m.name, v); err != nil {
					return err
				}
			}
			if m.name != "prompt" {
				continue
			}
			images := r.root.Get("images")
			if err := r.images(images, "images"); err != nil {
				return err
			}
			switch {
			case images.Len() == 0:
			case given(r.root.Get("prompt")):
				r.messages[len(r.messages)-1].images = images
			default:
				r.messages = append(r.messages, message{role: "user", images: images})
			}
		}
		r.others("system", "template", "prompt", "suffix", "images")
		return nil
	})
}

// Reply reads a generated text.
func (Generate) Reply(body []byte) (wire.Reply, error) { return readReply(body, generateShape) }

// Stream starts reading a generated text's lines.
func (Generate) Stream(o wire.StreamOptions) wire.Stream {
	return &stream{shape: generateShape, assemble: o.Assemble}
}
