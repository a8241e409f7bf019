// Package redact finds values in text that must not go on, and replaces them,
// also in text that arrives in pieces.
//
// The guarantee: for every text and every way of cutting it into writes, at
// any byte, the edits are those of the whole text in one write. There is one
// machine, Stream; Set.Redact is one Write and one Close of it.
//
// # What is found
//
// At each position, from left to right, every selector's longest match there
// is looked at, and the longest of these is taken; of equals a user's selector
// goes before a built-in entity, and an earlier one before a later one. The
// search goes on behind the match.
//
// Built-in entities have a shape and a validator. No letter, digit or "_" of
// any script may touch a value. Context words stand to the left, whole, within
// 64 bytes of what was put out. If the validator rejects the longest match at
// a position, the shorter ones there are tried, then those further right.
//
//	CREDIT_CARD  12 to 19 digits, grouped as cards print them; Luhn, issuer's prefix
//	EMAIL        local part of at most 64 bytes, domain of 2 to 5 labels
//	IBAN         country's length and structure, MOD 97-10
//	IP           what net/netip parses, but no versions, times or scopes
//	US_SSN       with separators, or bare behind a context word
//
// "lit:" finds the bytes of its text wherever they are. "re:" finds RE2
// expressions in the syntax of package regexp, leftmost-longest:
//
//   - "^" and "\A" are the beginning of the stream's text, "$" and "\z" its
//     end, with (?m) "^" and "$" those of a line; "\b" is about ASCII words.
//     What an assertion at the end of an expression says is known one byte
//     later, or at Close.
//   - A byte that is not a part of a valid rune matches nothing.
//   - A match is at most 1024 bytes long. Where an expression has no bound of
//     its own, as in x+, it is at most 512 bytes long: of a longer run the
//     first 512 bytes are one match, and the search goes on behind it.
//   - An expression is refused if it matches the empty text, if it or its
//     program is too long, or if it could begin anywhere in prose, as .*foo,
//     \w+ and [^"]{1,20} can: it would hold back every stream all the time.
//     \w{1,64}@example\.com begins anywhere, too, but ends with the word, and
//     is allowed.
//
// Placeholders that this package has written, such as [EMAIL] or
// [EMAIL_0123456789abcdef], are left alone when they come back, unless a match
// encloses them. With the operators that write placeholders, redacting twice
// equals redacting once for built-in entities and literals.
//
// # How
//
// The shapes are compiled into automata over bytes that run over the text once
// and only say where a match may have ended and where nothing is open (dfa.go,
// stream.go). Where nothing is open the text is cut; a piece in which a match
// may have ended is decided exactly (decide.go). The scanning automata know
// more than the shapes, never less: bounds of wide repetitions and assertions
// are left to the decision. They are built while they run, in bounded memory.
package redact
