package strictjson

import (
	"bytes"
	"math"
	"strconv"
)

// appendDouble appends the double nearest to the literal as ECMAScript's
// Number::toString does (ECMA-262, section 6.1.6.1.20).
func appendDouble(dst, literal []byte) []byte {
	// The gate has refused what overflows.
	f, _ := strconv.ParseFloat(string(literal), 64)
	if f == 0 {
		return append(dst, '0') // also for -0
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	mark := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes two digits of exponent at least: 1e-07.
	if e := bytes.IndexByte(dst[mark:], 'e') + mark; dst[e+2] == '0' {
		dst = append(dst[:e+2], dst[e+3:]...)
	}
	return dst
}

// sameDecimal reports whether two number literals have exactly the same value.
func sameDecimal(a, b []byte) bool {
	var bufA, bufB [32]byte
	x, ex := decimal(bufA[:0], a)
	y, ey := decimal(bufB[:0], b)
	if len(x) == 0 || len(y) == 0 { // zero has no sign
		return len(x) == len(y)
	}
	return ex == ey && (a[0] == '-') == (b[0] == '-') && bytes.Equal(x, y)
}

// decimal splits the magnitude of a number literal: the value is 0.digits times
// ten to the exponent, and digits neither begins nor ends with a zero. Zero has
// no digits. Exponents whose literal exceeds nine digits are cut to about a
// billion, which no double reaches.
func decimal(buf, literal []byte) (dig []byte, exponent int) {
	mantissa := bytes.TrimPrefix(literal, []byte("-"))
	if e := bytes.IndexAny(mantissa, "eE"); e >= 0 {
		exponent = clampedInt(mantissa[e+1:])
		mantissa = mantissa[:e]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	exponent += len(whole)
	dig = append(append(buf, whole...), fraction...)
	zeros := len(dig) - len(bytes.TrimLeft(dig, "0"))
	return bytes.TrimRight(dig[zeros:], "0"), exponent - zeros
}

// clampedInt reads an optional sign and digits, at most a billion either way.
func clampedInt(b []byte) int {
	const limit = 1_000_000_000
	n, negative := 0, b[0] == '-'
	for _, c := range bytes.TrimLeft(b, "+-") {
		n = min(n*10+int(c-'0'), limit)
	}
	if negative {
		return -n
	}
	return n
}
