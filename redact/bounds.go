package redact

import (
	"fmt"
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

// Bounds on what a user's selector may be.
const (
	// maxExpr is the length of an expression or literal text, in bytes.
	maxExpr = 1024
	// maxInsts is the size of an expression's compiled program.
	maxInsts = 10_000
	// maxTotal is the size of all programs of a set together.
	maxTotal = 250_000
	// maxMatch is the length of a match of an expression that has a bound of
	// its own, in bytes.
	maxMatch = 1024
	// unboundedMatch is the length, in bytes, that a match of an expression
	// without a bound of its own is given: `x+` is x at most that often.
	unboundedMatch = 512
	// maxLetters is how many different letters an expression may begin with
	// before it counts as one that could begin anywhere.
	maxLetters = 12
	// maxProse is how many bytes of letters and spaces such an expression may
	// run on over.
	maxProse = 64
)

// matchLength returns the length in bytes of the shortest and the longest
// match of re; longest is -1 where there is no bound.
func matchLength(re *syntax.Regexp) (shortest, longest int) {
	const huge = 1 << 30
	add := func(a, b int) int {
		if a < 0 || b < 0 {
			return -1
		}
		return min(a+b, huge)
	}
	times := func(a, n int) int {
		switch {
		case a == 0 || n == 0:
			return 0
		case a < 0 || n < 0:
			return -1
		case a > huge/n:
			return huge
		}
		return a * n
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			lo, hi := classLength(literalClass(r, re.Flags))
			shortest, longest = add(shortest, lo), add(longest, hi)
		}
	case syntax.OpCharClass:
		return classLength(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, utf8.UTFMax
	case syntax.OpCapture:
		return matchLength(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			lo, hi := matchLength(sub)
			shortest, longest = add(shortest, lo), add(longest, hi)
		}
	case syntax.OpAlternate:
		for i, sub := range re.Sub {
			lo, hi := matchLength(sub)
			if i == 0 {
				shortest, longest = lo, hi
				continue
			}
			shortest = min(shortest, lo)
			if longest >= 0 && hi >= 0 {
				longest = max(longest, hi)
			} else {
				longest = -1
			}
		}
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		least, most := repetition(re)
		lo, hi := matchLength(re.Sub[0])
		return times(lo, least), times(hi, most)
	}
	return shortest, longest
}

func repetition(re *syntax.Regexp) (least, most int) {
	switch re.Op {
	case syntax.OpStar:
		return 0, -1
	case syntax.OpPlus:
		return 1, -1
	case syntax.OpQuest:
		return 0, 1
	default:
		return re.Min, re.Max
	}
}

func classLength(pairs []rune) (shortest, longest int) {
	for i := 0; i+1 < len(pairs); i += 2 {
		lo, hi := utf8.RuneLen(max(pairs[i], 0)), utf8.RuneLen(pairs[i+1])
		if lo < 0 || hi < 0 { // a surrogate, which no text holds
			lo, hi = 3, 3
		}
		if i == 0 {
			shortest = lo
		}
		shortest, longest = min(shortest, lo), max(longest, hi)
	}
	return shortest, longest
}

// firstRunes calls f with the classes that a match of re may begin with, and
// reports whether re can match the empty string.
func firstRunes(re *syntax.Regexp, f func(pairs []rune)) (empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if len(re.Rune) > 0 {
			f(literalClass(re.Rune[0], re.Flags))
		}
		return len(re.Rune) == 0
	case syntax.OpCharClass:
		f(re.Rune)
		return false
	case syntax.OpAnyChar:
		f(anyRune)
		return false
	case syntax.OpAnyCharNotNL:
		f(anyNotNL)
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return firstRunes(re.Sub[0], f)
	case syntax.OpStar, syntax.OpQuest, syntax.OpRepeat:
		least, most := repetition(re)
		if most == 0 {
			return true
		}
		return firstRunes(re.Sub[0], f) || least == 0
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if !firstRunes(sub, f) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			empty = firstRunes(sub, f) || empty
		}
		return empty
	default: // assertions, the empty match; OpNoMatch begins nowhere
		return re.Op != syntax.OpNoMatch
	}
}

// alternatives returns what re chooses between at its top.
func alternatives(re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return alternatives(re.Sub[0])
	case syntax.OpAlternate:
		var all []*syntax.Regexp
		for _, sub := range re.Sub {
			all = append(all, alternatives(sub)...)
		}
		return all
	default:
		return []*syntax.Regexp{re}
	}
}

// checkStart refuses expressions that could begin anywhere in prose: those
// would hold a stream back all the time.
func checkStart(re *syntax.Regexp) error {
	for _, alt := range alternatives(re) {
		letters, space := 0, false
		firstRunes(alt, func(pairs []rune) {
			for i := 0; i+1 < len(pairs); i += 2 {
				if pairs[i+1]-pairs[i] > 4096 {
					letters += maxLetters + 1 // near enough, and quick
					space = space || pairs[i] <= ' '
					continue
				}
				for r := pairs[i]; r <= pairs[i+1]; r++ {
					space = space || r == ' '
					if unicode.IsLetter(r) {
						letters++
					}
				}
			}
		})
		if letters <= maxLetters {
			continue
		}
		if space {
			return fmt.Errorf("%w: it can begin with a space or a letter, so with any word; begin it with a literal, a digit or a sign", ErrUnbounded)
		}
		if runsOn(alt) {
			return fmt.Errorf("%w: it can begin with any letter and run on over more than %d bytes of words; begin it with a literal, a digit or a sign, or bound its repetitions, as in [a-z]{1,32}@", ErrUnbounded, maxProse)
		}
	}
	return nil
}

// runsOn reports whether a match of re can still be open after more than
// maxProse bytes that are all letters, spaces or parts of non-ASCII runes.
func runsOn(re *syntax.Regexp) bool {
	b := newBuilder(maxInsts)
	b.noAsserts = true
	start := b.expr(re, b.accept(0, 0))
	a := newAnchored(b.prog, start)
	var prose byteSet
	prose.add(' ')
	prose.addRange('A', 'Z')
	prose.addRange('a', 'z')
	prose.addRange(0x80, 0xFF)
	a.clear()
	a.follow(a.anchor)
	for range maxProse + 1 {
		from := append([]uint32(nil), a.pcs...)
		a.clear()
		for _, pc := range from {
			set := &b.sets[b.insts[pc].arg]
			for w := range set {
				if set[w]&prose[w] != 0 {
					a.follow(b.insts[pc].out)
					break
				}
			}
		}
	}
	return len(a.pcs) > 0
}
