package redact

import "bytes"

// cardShape is 12 to 19 digits in one piece or in groups as cards print them:
// fours with a rest of up to five, 4-6-5 and 4-6-4, 6-13, 4-3-3-3.
const cardShape = `[0-9]{12,19}` +
	`|[0-9]{4}(?: [0-9]{4}){2,3}(?: [0-9]{1,5})?|[0-9]{4}(?:-[0-9]{4}){2,3}(?:-[0-9]{1,5})?` +
	`|[0-9]{4}[ ][0-9]{4}[ ][0-9]{5}|[0-9]{4}-[0-9]{4}-[0-9]{5}` +
	`|[0-9]{4} [0-9]{6} [0-9]{4,5}|[0-9]{4}-[0-9]{6}-[0-9]{4,5}` +
	`|[0-9]{4}(?: [0-9]{3}){3}|[0-9]{4}(?:-[0-9]{3}){3}` +
	`|[0-9]{6} [0-9]{13}|[0-9]{6}-[0-9]{13}`

// validCard checks Luhn (ISO/IEC 7812-1, annex B), the issuer's prefix with
// its lengths, and the issuer's grouping; and rejects digits that only look
// like a card: one digit throughout, one group repeated, parts of longer
// numbers, decimal fractions and dashed identifiers. A number with an unknown
// prefix needs a context word.
func validCard(c *candidate) bool {
	var digits [19]byte
	n := 0
	for _, b := range c.value {
		if isDigit(rune(b)) {
			if n == len(digits) {
				return false
			}
			digits[n] = b - '0'
			n++
		}
	}
	d := digits[:n]
	if n < 12 || !luhn(d) || repeats(d) {
		return false
	}
	if c.leftBefore('.', isDigit) || c.leftBefore(',', isDigit) || c.leftBefore('-', isWord) ||
		c.rightAfter('.', isDigit) || c.rightAfter('-', isWord) {
		return false
	}
	known := false
	for i := range brands {
		if b := &brands[i]; b.matches(d) {
			known = true
			break
		}
	}
	grouped := n < len(c.value)
	switch {
	case grouped && !knownGrouping(c.value):
		return false
	case !known:
		return n >= 13 && c.hasContext(cardWords)
	}
	return true
}

var cardWords = []string{
	"amex", "card", "cards", "cc", "credit", "creditcard", "debit",
	"discover", "mastercard", "payment card", "visa",
}

// A brand is a range of issuer identification numbers: the first len(lo)
// digits lie between lo and hi.
type brand struct {
	lo, hi  string
	lengths uint32 // bit n: n digits
}

func lengths(ns ...int) (set uint32) {
	for _, n := range ns {
		set |= 1 << n
	}
	return set
}

var (
	anyLength = lengths(12, 13, 14, 15, 16, 17, 18, 19)
	len16     = lengths(16)
	len16to19 = lengths(16, 17, 18, 19)
	len14to19 = lengths(14, 15, 16, 17, 18, 19)
)

// brands are the issuers' published ranges.
var brands = []brand{
	{"4", "4", lengths(13, 16, 19)}, // Visa
	{"51", "55", len16},             // Mastercard
	{"2221", "2720", len16},
	{"34", "34", lengths(15)}, // American Express
	{"37", "37", lengths(15)},
	{"6011", "6011", len16to19}, // Discover
	{"622126", "622925", len16to19},
	{"644", "649", len16to19},
	{"65", "65", len16to19},
	{"300", "305", len14to19}, // Diners Club
	{"3095", "3095", len14to19},
	{"36", "36", len14to19},
	{"38", "39", len14to19},
	{"3528", "3589", len16to19}, // JCB
	{"1800", "1800", lengths(15)},
	{"2131", "2131", lengths(15)},
	{"62", "62", len16to19}, // UnionPay
	{"81", "81", len16to19},
	{"5018", "5018", anyLength}, // Maestro
	{"5020", "5020", anyLength},
	{"5038", "5038", anyLength},
	{"5893", "5893", anyLength},
	{"6304", "6304", anyLength},
	{"6390", "6390", anyLength},
	{"6759", "6759", anyLength},
	{"6761", "6763", anyLength},
	{"56", "58", anyLength},
	{"2200", "2204", len16to19}, // Mir
}

func (b *brand) matches(d []byte) bool {
	return b.lengths&(1<<len(d)) != 0 && compareDigits(d, b.lo) >= 0 && compareDigits(d, b.hi) <= 0
}

// compareDigits compares the first digits of d with prefix.
func compareDigits(d []byte, prefix string) int {
	for i := range len(prefix) {
		if c := int(d[i]) - int(prefix[i]-'0'); c != 0 {
			return c
		}
	}
	return 0
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i])
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// repeats reports whether d is made of one group of up to four digits, as
// nothing but made-up numbers are. The one of these that payment guides tell
// everyone to try is a card nevertheless.
func repeats(d []byte) bool {
	if bytes.Equal(d, []byte{4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2}) {
		return false
	}
	for _, period := range []int{1, 2, 3, 4} {
		if bytes.Equal(d[period:], d[:len(d)-period]) {
			return true
		}
	}
	return false
}

// knownGrouping tells the groupings that are in use from the others that the
// shape lets through: a rest after fours is 1 to 4 digits, or 5 in 4-4-5.
func knownGrouping(value []byte) bool {
	last := len(value) - 1 - bytes.LastIndexAny(value, " -")
	return last != 5 || bytes.Count(value, value[len(value)-1-last:len(value)-last]) == 2
}
