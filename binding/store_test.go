package binding_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/headgate/headgate/binding"
)

var (
	alice = binding.OwnerOf("acme", "alice", "")
	bob   = binding.OwnerOf("acme", "bob", "")
)

func open(t *testing.T, path string, limit int) *binding.Store {
	t.Helper()
	s, err := binding.Open(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bind(t *testing.T, s *binding.Store, id string, o binding.Owner) {
	t.Helper()
	if err := s.Bind("openai", id, o); err != nil {
		t.Fatal(err)
	}
}

// whose checks an owner; the zero Owner stands for nobody.
func whose(t *testing.T, s *binding.Store, id string, want binding.Owner) {
	t.Helper()
	got, known, err := s.Owner("openai", id)
	if err != nil || got != want || known != (want != binding.Owner{}) {
		t.Errorf("%s: %x, %v, %v; want %x", id, got, known, err, want)
	}
}

func TestFirstOwnerStays(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "new", "ids"), 0)
	whose(t, s, "resp_1", binding.Owner{})
	bind(t, s, "resp_1", alice)
	bind(t, s, "resp_1", bob)
	bind(t, s, "resp_2", bob)
	whose(t, s, "resp_1", alice)
	whose(t, s, "resp_2", bob)
	if _, known, _ := s.Owner("anthropic", "resp_1"); known {
		t.Error("an id of one API is known in another")
	}
}

func TestOwnersDiffer(t *testing.T) {
	if binding.OwnerOf("ab", "c") == binding.OwnerOf("a", "bc") || binding.OwnerOf("a") == binding.OwnerOf("a", "") {
		t.Error("two callers are one owner")
	}
}

func TestSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	s := open(t, path, 0)
	bind(t, s, "resp_1", alice)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, 0)
	whose(t, s, "resp_1", alice)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTwoProcessesSeeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	a, b := open(t, path, 0), open(t, path, 0)
	bind(t, a, "resp_1", alice)
	whose(t, b, "resp_1", alice)
	bind(t, b, "resp_2", bob)
	whose(t, a, "resp_2", bob)
}

// TestTornRecord: whatever a dying process left behind, what stands before and
// after it is read.
func TestTornRecord(t *testing.T) {
	for cut := 1; cut < 36; cut++ {
		path := filepath.Join(t.TempDir(), "ids")
		s := open(t, path, 0)
		bind(t, s, "resp_1", alice)
		bind(t, s, "resp_2", alice)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-int64(cut)); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, 0)
		bind(t, s, "resp_3", bob)
		s = open(t, path, 0)
		whose(t, s, "resp_1", alice)
		whose(t, s, "resp_2", binding.Owner{})
		whose(t, s, "resp_3", bob)
	}
}

func TestForgetsTheOldest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	s := open(t, path, 10)
	for i := range 100 {
		bind(t, s, fmt.Sprint(i), alice)
	}
	check := func(s *binding.Store) {
		t.Helper()
		whose(t, s, "89", binding.Owner{})
		for i := 90; i < 100; i++ {
			whose(t, s, fmt.Sprint(i), alice)
		}
	}
	check(s)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, path, 10) // which writes the file anew
	check(again)
	after, err := os.Stat(path)
	if err != nil || after.Size() >= before.Size() || after.Mode().Perm() != 0o600 {
		t.Errorf("%d bytes before and %d after, mode %v, %v", before.Size(), after.Size(), after.Mode(), err)
	}
	bind(t, again, "new", bob)
	whose(t, s, "new", bob) // the other one finds the new file
}

func TestLeavesAnotherFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	if err := os.WriteFile(path, []byte("# my notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := binding.Open(path, 0); !errors.Is(err, binding.ErrNotStore) {
		t.Errorf("error %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "# my notes" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAClosedStoreRefuses(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ids"), 0)
	s.Close()
	if err := s.Bind("openai", "resp_1", alice); err == nil {
		t.Error("bound after Close")
	}
	if _, _, err := s.Owner("openai", "resp_1"); err == nil {
		t.Error("looked up after Close")
	}
}

func TestManyAtOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "ids"), 0)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				id := fmt.Sprint(i, " ", j)
				if err := s.Bind("openai", id, alice); err != nil {
					t.Error(err)
				}
				if o, known, err := s.Owner("openai", id); o != alice || !known || err != nil {
					t.Error(o, known, err)
				}
			}
		})
	}
	wg.Wait()
}
