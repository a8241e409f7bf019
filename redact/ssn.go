package redact

import "bytes"

// ssnShape is a United States social security number: area, group and serial
// with one kind of separator, or nine bare digits.
const ssnShape = `[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9}`

// validSSN rejects numbers that the Social Security Administration does not
// give out (areas 000, 666 and 900 to 999, group 00, serial 0000), the number
// that was printed in a million wallets, one digit throughout, parts of longer
// dashed numbers, and without a context word bare digits and columns of numbers.
func validSSN(c *candidate) bool {
	v := c.value
	bare := len(v) == 9
	area, group, serial := v[:3], v[3:len(v)-4], v[len(v)-4:]
	if !bare {
		group = v[4:6]
	}
	switch {
	case string(area) == "000", string(area) == "666", area[0] == '9',
		string(group) == "00", string(serial) == "0000":
		return false
	case string(area) == "078" && string(group) == "05" && string(serial) == "1120":
		return false
	case bytes.Count(v, v[:1]) == 9:
		return false
	case c.leftBefore('-', isWord), c.rightAfter('-', isWord),
		c.leftBefore('.', isDigit), c.rightAfter('.', isDigit):
		return false
	}
	inTable := v[3] == ' ' && (c.leftBefore(' ', isDigit) || c.rightAfter(' ', isDigit))
	return !bare && !inTable || c.hasContext(ssnWords)
}

var ssnWords = []string{
	"ssn", "ssns", "social security", "soc sec", "social sec", "ss#", "ss no", "ss number",
}
