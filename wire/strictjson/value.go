package strictjson

import (
	"bytes"
	"iter"
	"strconv"
)

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of a [Value]. Invalid is the kind of a missing value.
const (
	Invalid Kind = iota
	Null
	False
	True
	Number
	String
	Array
	Object
)

// String returns the kind's name in lower case, "missing" for Invalid.
func (k Kind) String() string {
	names := [...]string{"missing", "null", "false", "true", "number", "string", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is a handle on one value, or one member name, of a [Doc]. The zero Value
// is missing; every method may be called on it.
type Value struct {
	d *Doc
	i uint32
}

func (v Value) node() *node { return &v.d.tape.nodes[v.i] }

// is reports whether the value exists and has the kind.
func (v Value) is(k Kind) bool { return v.d != nil && v.node().kind() == k }

// Kind returns the value's kind, Invalid if it is missing.
func (v Value) Kind() Kind {
	if v.d == nil {
		return Invalid
	}
	return v.node().kind()
}

// Exists reports whether the value is there, be it null.
func (v Value) Exists() bool { return v.d != nil }

// IsNull reports whether the value is there and is null.
func (v Value) IsNull() bool { return v.is(Null) }

// Span returns the value's place in the body, in bytes, a string's quotes
// included; 0, 0 if it is missing.
func (v Value) Span() (start, end int) {
	if v.d == nil {
		return 0, 0
	}
	n := v.node()
	return int(n.start), int(n.end)
}

// Raw returns the value as it is written in the body, without a copy; nil if it
// is missing.
func (v Value) Raw() []byte {
	if v.d == nil {
		return nil
	}
	n := v.node()
	return v.d.body[n.start:n.end:n.end]
}

// Get returns the member whose decoded name is key; missing if there is none or
// v is not an object.
func (v Value) Get(key string) Value {
	if !v.is(Object) {
		return Value{}
	}
	nodes, body := v.d.tape.nodes, v.d.body
	end := nodes[v.i].next
	for i := v.i + 1; i < end; i = nodes[i+1].next {
		n := &nodes[i]
		if !n.escaped() && string(body[n.start+1:n.end-1]) == key || n.escaped() && (Value{v.d, i}).EqualStr(key) {
			return Value{v.d, i + 1}
		}
	}
	return Value{}
}

// Len returns the number of members or elements; 0 for other kinds.
func (v Value) Len() int {
	if v.d == nil {
		return 0
	}
	return v.node().count()
}

// Elems yields an array's elements with their indices; nothing for other kinds.
func (v Value) Elems() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if !v.is(Array) {
			return
		}
		nodes := v.d.tape.nodes
		end := nodes[v.i].next
		for n, i := 0, v.i+1; i < end; n, i = n+1, nodes[i].next {
			if !yield(n, Value{v.d, i}) {
				return
			}
		}
	}
}

// Members yields an object's members in document order, the name as a string
// Value; nothing for other kinds.
func (v Value) Members() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if !v.is(Object) {
			return
		}
		nodes := v.d.tape.nodes
		end := nodes[v.i].next
		for i := v.i + 1; i < end; i = nodes[i+1].next {
			if !yield(Value{v.d, i}, Value{v.d, i + 1}) {
				return
			}
		}
	}
}

// contents returns what stands between a string's quotes, and whether it has escapes.
func (v Value) contents() (raw []byte, escaped bool) {
	n := v.node()
	return v.d.body[n.start+1 : n.end-1], n.escaped()
}

// Str returns the decoded string; "" if v is not a string.
func (v Value) Str() string {
	if !v.is(String) {
		return ""
	}
	raw, escaped := v.contents()
	if escaped {
		return string(Unescape(make([]byte, 0, len(raw)), v.Raw()))
	}
	return string(raw)
}

// AppendStr appends the decoded string to dst; nothing if v is not a string.
func (v Value) AppendStr(dst []byte) []byte {
	if !v.is(String) {
		return dst
	}
	raw, escaped := v.contents()
	if escaped {
		return Unescape(dst, v.Raw())
	}
	return append(dst, raw...)
}

// EqualStr reports whether v is a string that decodes to s. It does not allocate.
func (v Value) EqualStr(s string) bool {
	if !v.is(String) {
		return false
	}
	raw, escaped := v.contents()
	if escaped {
		return equalUnescaped(v.Raw(), s)
	}
	return string(raw) == s
}

// Bool reports whether v is the literal true.
func (v Value) Bool() bool { return v.is(True) }

// Int returns an integer that is written without fraction and exponent and fits
// in 64 bits.
func (v Value) Int() (int64, bool) {
	if !v.is(Number) {
		return 0, false
	}
	raw := v.Raw()
	if len(raw) > len("-9223372036854775808") || bytes.ContainsAny(raw, ".eE") {
		return 0, false
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil
}
