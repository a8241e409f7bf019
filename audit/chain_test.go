package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// chain returns a log of n lines and its head.
func chain(n int) ([]byte, Head) {
	var text []byte
	var head Head
	for i := range n {
		start := len(text)
		text = decision(fmt.Sprint(i)).AppendJSON(text, head.Seq+1, head.Hash)
		head = Head{Seq: head.Seq + 1, Hash: sha256.Sum256(text[start : len(text)-1])}
	}
	return text, head
}

// The definition of prev, checked without the code that writes it.
func TestPrevIsTheHashOfTheLineBefore(t *testing.T) {
	path := logPath(t)
	mustAppend(t, open(t, path, Options{}), "a", "b")
	lines := strings.Split(contents(t, path), "\n")
	sum := sha256.Sum256([]byte(lines[0]))
	if want := `,"seq":2,"prev":"` + hex.EncodeToString(sum[:]) + `"}`; !strings.HasSuffix(lines[1], want) {
		t.Errorf("%s does not end in %s", lines[1], want)
	}
	if want := `,"seq":1,"prev":"` + zeros + `"}`; !strings.HasSuffix(lines[0], want) {
		t.Errorf("%s does not end in %s", lines[0], want)
	}
}

func TestVerifyGoesOnFromAHead(t *testing.T) {
	text, want := chain(5)
	first := bytes.IndexByte(text, '\n') + 1
	head, err := Verify(bytes.NewReader(text[:first]), Head{})
	if err != nil {
		t.Fatal(err)
	}
	if head, err = Verify(bytes.NewReader(text[first:]), head); err != nil || head != want {
		t.Errorf("got %v, %v; want %v", head, err, want)
	}
	if head, err := Verify(strings.NewReader(""), want); err != nil || head != want {
		t.Errorf("nothing more: got %v, %v", head, err)
	}
}

func TestVerifyFindsEveryMutation(t *testing.T) {
	text, _ := chain(6)
	lines := bytes.SplitAfter(text, []byte("\n"))
	// What a chain alone can find is everything but changes to its last line
	// and lines taken off the end.
	guarded := len(text) - len(lines[5])
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		changed := bytes.Clone(text)
		at := random.IntN(guarded)
		var how string
		switch random.IntN(4) {
		case 0:
			how, changed[at] = "flip", changed[at]^byte(1<<random.IntN(8))
		case 1:
			how, changed = "delete", append(changed[:at], changed[at+1:]...)
		case 2:
			how, changed = "insert", append(changed[:at:at], append([]byte{byte(random.IntN(256))}, text[at:]...)...)
		case 3:
			i, j := random.IntN(5), random.IntN(5)
			if i == j {
				j = 5
			}
			swapped := append([][]byte(nil), lines...)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			how, changed = fmt.Sprintf("swap lines %d and %d", i, j), bytes.Join(swapped, nil)
		}
		if bytes.Equal(changed, text) {
			continue
		}
		if _, err := Verify(bytes.NewReader(changed), Head{}); !errors.Is(err, ErrChain) {
			t.Fatalf("%s at %d: got %v", how, at, err)
		}
	}
	for i := 1; i < len(text); i++ {
		_, err := Verify(bytes.NewReader(text[:i]), Head{})
		if whole := text[i-1] == '\n'; (err == nil) != whole {
			t.Fatalf("cut at %d: got %v", i, err)
		}
	}
}

func TestVerifyBoundsALine(t *testing.T) {
	text, _ := chain(1)
	long := slices.Concat(text, bytes.Repeat([]byte("x"), maxLine+1))
	if head, err := Verify(bytes.NewReader(long), Head{}); !errors.Is(err, ErrChain) || head.Seq != 1 {
		t.Errorf("got %v, %v", head, err)
	}
}
