package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// grammar is what may stand in one kind of block, whose configuration is a T.
type grammar[T any] struct {
	// block names the block where it is not the outermost, such as "policy".
	block string
	words []word[T]
	// check, where it is set, is asked after each word.
	check func(into *T) error
}

// word is a line that a block may hold: its name, its arguments, and a block
// of its own.
type word[T any] struct {
	name string
	// args shows the arguments as a user would write them.
	args string
	// min and max bound their number; max is [unlimited] for any.
	min, max int
	// repeats allows more than one such line in a block.
	repeats bool
	// set takes the arguments. Nil: the contract has the word, and this
	// version does not.
	set func(into *T, args []string) error
	// inner reads the word's own block, where it may have one.
	inner func(d *caddyfile.Dispenser, into *T) error
}

const unlimited = -1

// later is a word of the contract that this version does not support.
func later[T any](name string) word[T] { return word[T]{name: name} }

// read reads the block that opens behind d's current line, if there is one.
func (g *grammar[T]) read(d *caddyfile.Dispenser, into *T) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		w, err := g.find(d)
		if err != nil {
			return err
		}
		if seen[w.name] && !w.repeats {
			return g.fault(d, fmt.Errorf("%s is written twice in one block; keep one", w.name))
		}
		seen[w.name] = true
		if err := g.line(d, w, into); err != nil {
			return err
		}
	}
	return nil
}

// line reads one word with its arguments and its block. Faults that show only
// at its end are told with the line where it begins.
func (g *grammar[T]) line(d *caddyfile.Dispenser, w *word[T], into *T) error {
	start := *d
	args := d.RemainingArgs()
	if len(args) < w.min || w.max != unlimited && len(args) > w.max {
		// The arguments are not repeated: one may be a secret.
		return g.fault(&start, fmt.Errorf("%s has the wrong number of arguments; write %s", w.name, strings.TrimSpace(w.name+" "+w.args)))
	}
	if err := w.set(into, args); err != nil {
		return g.fault(&start, err)
	}
	if w.inner != nil {
		if err := w.inner(d, into); err != nil {
			return err
		}
	}
	if opensBlock(d) {
		return g.fault(&start, fmt.Errorf("%s takes no block", w.name))
	}
	if g.check != nil {
		if err := g.check(into); err != nil {
			return g.fault(&start, err)
		}
	}
	return nil
}

// fault adds to an error the block and, with file and line, where d stands.
func (g *grammar[T]) fault(d *caddyfile.Dispenser, err error) error {
	if g.block != "" {
		err = fmt.Errorf("%s: %w", g.block, err)
	}
	return d.WrapErr(err)
}

// find looks up the word at which d stands.
func (g *grammar[T]) find(d *caddyfile.Dispenser) (*word[T], error) {
	name := d.Val()
	i := slices.IndexFunc(g.words, func(w word[T]) bool { return w.name == name })
	if i < 0 {
		return nil, g.unrecognized(d)
	}
	if g.words[i].set == nil {
		return nil, g.fault(d, unsupported(name))
	}
	return &g.words[i], nil
}

// unrecognized says what the word at which d stands could have been.
func (g *grammar[T]) unrecognized(d *caddyfile.Dispenser) error {
	kind := "subdirective"
	if g.block != "" {
		kind = g.block + " option"
	}
	if near := g.near(d.Val()); len(near) > 0 {
		return d.Errf("unrecognized %s '%s', did you mean '%s'?", kind, d.Val(), strings.Join(near, "' or '"))
	}
	var names []string
	for _, w := range g.words {
		if w.set != nil {
			names = append(names, w.name)
		}
	}
	return d.Errf("unrecognized %s '%s'; it must be %s", kind, d.Val(), either(names))
}

// near lists the words that a name is most likely a misspelling of: those at
// the least distance, if that is at most a third of the name.
func (g *grammar[T]) near(name string) []string {
	if len(name) > 64 {
		return nil
	}
	var near []string
	least := max(1, len(name)/3)
	for _, w := range g.words {
		switch n := distance(strings.ToLower(name), w.name); {
		case n < least:
			least, near = n, []string{w.name}
		case n == least:
			near = append(near, w.name)
		}
	}
	return near
}

// distance is the number of bytes to insert, delete or replace to make a into
// b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// opensBlock tells whether a block opens on d's current line. d stays where it
// is.
func opensBlock(d *caddyfile.Dispenser) bool {
	next := *d
	line := d.Line() + d.Token().NumLineBreaks()
	return next.Next() && next.Val() == "{" && !next.Token().Quoted() &&
		next.File() == d.File() && next.Line() == line
}
