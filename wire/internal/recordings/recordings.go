// Package recordings reads exchanges that were recorded with real providers,
// for the tests of the codecs. The recordings are no part of the project: they
// are looked for in the folder that HEADGATE_SHARED names, or in ../shared
// beside the repository, and where they are not, there are none.
package recordings

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Recording is one exchange. A message that was not recorded is nil.
type Recording struct {
	ID       string   `json:"id"`
	Protocol string   `json:"protocol"` // "openai-chat"
	Request  *Message `json:"request"`
	Response *Message `json:"response"`
}

// Message is a request or a response. Body is text where Encoding is "utf8".
type Message struct {
	Status   int    `json:"status"`
	Body     string `json:"body"`
	Encoding string `json:"body_encoding"`
}

// Load reads all recordings that are at hand.
func Load() ([]Recording, error) {
	dir := os.Getenv("HEADGATE_SHARED")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "../../../../shared")
	}
	files, err := filepath.Glob(filepath.Join(dir, "data/traffic/*.jsonl.gz"))
	if err != nil {
		return nil, err
	}
	var all []Recording
	for _, name := range files {
		list, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func read(name string) ([]Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var list []Recording
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r Recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, lines.Err()
}

// Bodies are the bodies of all requests and responses at hand.
func Bodies() ([][]byte, error) {
	all, err := Load()
	var bodies [][]byte
	for _, r := range all {
		for _, m := range []*Message{r.Request, r.Response} {
			if m != nil {
				bodies = append(bodies, []byte(m.Body))
			}
		}
	}
	return bodies, err
}
