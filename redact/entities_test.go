package redact

import (
	"strings"
	"testing"
)

// found returns what s finds in text, as "ENTITY:value" joined by "|".
func found(s *Set, text string) string {
	var all []string
	for _, e := range s.Scan([]byte(text)) {
		all = append(all, e.Entity+":"+text[e.Start:e.End])
	}
	return strings.Join(all, "|")
}

func TestEntities(t *testing.T) {
	all := mustCompile(t, "*")
	for entity, samples := range map[string]struct{ values, others []string }{
		"EMAIL": {
			values: []string{
				"ann@example.com", "a@b.co", "first.last+tag@mail.sub.example.co.uk", "x_y%z-1@ex-ample.org",
				"o'hara@irish.ie", "user@163.com", "q@xn--bcher-kva.example", "q@example.xn--p1ai", "_a@b.cd",
				strings.Repeat("l", 64) + "@example.com", "a@" + strings.Repeat("d", 63) + ".com", "u@a.b.c.d.com",
				"ANN@EXAMPLE.COM", "1234567890@qq.com", "ann@2x.io",
			},
			others: []string{
				"icon@2x.png", "logo@3x.min.svg", "left-pad@1.3.0", "left-pad@1.3.0-beta.one", "mod@v1.2.3-rc.one",
				"@types/node@18.x.x", "ann@localhost", "ann@example.c", "ann@example.c0m", "ann@-bad.com", "ann@bad-.com",
				"ann.@example.com", "ann@example..com", "a b@", "@example.com", "ann@.com", "git@github.com:org/repo.git",
				strings.Repeat("l", 65) + "@example.com", "a@" + strings.Repeat("d", 64) + ".com", "x@y", "éann@example.com",
			},
		},
		"CREDIT_CARD": {
			values: []string{
				"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4242424242424242", "5555555555554444",
				"2223003122003222", "5105 1051 0510 5100", "378282246310005", "3782 822463 10005", "371449635398431",
				"6011111111111117", "6011-0009-9013-9424", "30569309025904", "3056 930902 5904", "38520000023237",
				"3530111333300000", "3566002020360505", "6200000000000005", "4222222222222", "4222-222-222-222",
				"6759649826438453", "501800000009", "5018 0000 0009", "4035501000000008", "6304000000000000",
			},
			others: []string{
				"4111111111111112", "4111 1111 1111 1112", "41111 11111 11111 1", "4111 1111-1111 1111", "4111  1111  1111  1111",
				"4444444444444444", "0000000000000000", "6262626262626262", "1234567812345670", "9999999999999995",
				"411111111111111", "1700000000000", "20231107123456", "0.4111111111111111", "4111111111111111.5",
				"550e8400-e29b-41d4-a716-501800000009", "4111111111111111a", "x4111111111111111", "_4111111111111111_",
				"order-4111111111111111", "9780306406157", "4111 11111111 1111", "41111111111111111111",
			},
		},
		"US_SSN": {
			values: []string{"123-45-6789", "123 45 6789", "001-01-0001", "899-99-9999", "219-09-9998"},
			others: []string{
				"000-12-3456", "666-12-3456", "900-12-3456", "999-99-9999", "123-00-4567", "123-45-0000", "078-05-1120",
				"111-11-1111", "123-45 6789", "123456789", "123-456-789", "12-345-6789", "123-45-67890", "0123-45-6789",
				"123-45-6789-0", "1-123-45-6789", "1 123 45 6789", "123 45 6789 1", "a123-45-6789", "123.45.6789", "2024-01-15",
			},
		},
		"IBAN": {
			values: []string{
				"GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", "DE89370400440532013000",
				"DE89 3704 0044 0532 0130 00", "NO9386011117947", "NO93 8601 1117 947", "FR1420041010050500013M02606",
				"MT84MALT011000012345MTLCAST001S", "LC55HEMM000100010012001200023015", "BE68539007547034", "NL91ABNA0417164300",
				"CH9300762011623852957", "ES9121000418450200051332", "IT60X0542811101000000123456", "SA0380000000608010167519",
				"AE070331234567890123456", "BR1800360305000010009795493C1", "PL61109010140000071219812874", "SE4550000000058398257466",
				"KW81CBKU0000000000001234560101", "MU17BOMM0101101030300200000MUR", "TR330006100519786457841326", "VG96VPVG0000012345678901",
				"XK051212012345678906", "UA213223130000026007233566001", "SC18SSCB11010000000000001497USD", "FI2112345600000785",
			},
			others: []string{
				"GB82WEST12345698765433", "GB82WEST1234569876543", "GB82WEST123456987654321", "ZZ82WEST12345698765432",
				"Gb82west12345698765432", "DE8937040044053201300A", "GB82 WEST 1234 5698 765432", "GB82-WEST-1234-5698-7654-32",
				"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "xGB82WEST12345698765432",
			},
		},
		"IP": {
			values: []string{
				"10.0.0.1", "192.168.1.254", "8.8.8.8", "127.0.0.1", "255.255.255.255", "2001:db8::8a2e:370:7334",
				"2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fe80::1", "::1", "::ffff:192.0.2.128", "2001:db8::", "fd00::a:b",
				"1:2:3:4:5:6:7:8", "64:ff9b::192.0.2.33", "FE80::202:B3FF:FE1E:8329",
			},
			others: []string{
				"256.1.1.1", "1.2.3", "1.2.3.4.5", "1.3.6.1.4.1.311", "v1.2.3.4", "01.02.03.04", "1.2.3.4-beta", "1.2.3.4+build5",
				"libfoo-1.2.3.4", "1.2.3.4.tar.gz", ">=1.2.3.4", "~>1.2.3.4", "Chrome/91.0.4.124", "version 1.2.3.4",
				`"app_version": "1.2.3.4"`, "AssemblyVersion(\"1.0.0.0\")", "release 10.2.0.1", "12:34:56", "2024-01-02T12:34:56",
				"00:1a:2b:3c:4d:5e", "00:11:22:33:44:55:66:77", "::", "std::vector", "a::b", "dead::beef", "Abc::Def", "xs[::2]",
				"xs[1::2]", "f64::MAX", "use std::f64::*", "1:2", "ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89", "xs[::1]",
			},
		},
	} {
		one := mustCompile(t, entity)
		for _, v := range samples.values {
			for _, around := range []string{"$", "see $.", "($)", "\n$\n", `{"a":"$"}`, "a $, b", "é $ é", "<td>$</td>", "**$**", "'$'"} {
				if around == "'$'" && strings.Contains(v, "'") {
					continue // nothing tells o'hara@irish.ie in quotes from u'hara@irish.ie'
				}
				text := strings.ReplaceAll(around, "$", v)
				if got, want := found(all, text), entity+":"+v; got != want {
					t.Errorf("%q: found %q, want %q", text, got, want)
				}
			}
			for _, around := range []string{"x$", "$x", "_$", "$_", "9$", "é$", "$é"} {
				text := strings.ReplaceAll(around, "$", v)
				if got := found(one, text); strings.Contains(got+"|", ":"+v+"|") {
					t.Errorf("%q: found %q beside a letter, a digit or _", text, got)
				}
			}
		}
		for _, v := range samples.others {
			if got := found(all, "so: "+v+" it is"); strings.Contains(got, entity+":"+v) || strings.Contains(got, entity) && entity != "EMAIL" {
				t.Errorf("%q: found %q", v, got)
			}
		}
	}
}

// TestInText is for what depends on the surroundings, and for what must survive.
func TestInText(t *testing.T) {
	all := mustCompile(t, "*")
	for _, c := range []struct{ text, want string }{
		{"SSN 123456789", "US_SSN:123456789"},
		{"ssn: 123456789.", "US_SSN:123456789"},
		{"My Social  Security number (the new one) is 123456789", "US_SSN:123456789"},
		{"SS# 123456789", "US_SSN:123456789"},
		{"SSNX 123456789", ""},
		{"MISSN 123456789", ""},
		{"SSN " + strings.Repeat("x ", 30) + "123456789", "US_SSN:123456789"},
		{"SSN " + strings.Repeat("x ", 31) + "123456789", ""},
		{"SSN 123 45 6789 1", "US_SSN:123 45 6789"},
		{"order 123456789", ""},
		{"card 9999999999999995", "CREDIT_CARD:9999999999999995"},
		{"4111 1111 1111 1111 123", "CREDIT_CARD:4111 1111 1111 1111"},
		{"12 4111 1111 1111 1111", "CREDIT_CARD:4111 1111 1111 1111"},
		{"4111 1111 1111 1111 4242 4242 4242 4242", "CREDIT_CARD:4111 1111 1111 1111|CREDIT_CARD:4242 4242 4242 4242"},
		{"4111 1111 1111 1111 4111", "CREDIT_CARD:4111 1111 1111 1111"},
		{"GB82 WEST 1234 5698 7654 32 is it", "IBAN:GB82 WEST 1234 5698 7654 32"},
		{"DE89 3704 0044 0532 0130 00 WERT", "IBAN:DE89 3704 0044 0532 0130 00"},
		{"a..b@example.com", "EMAIL:b@example.com"},
		{".ann@example.com", "EMAIL:ann@example.com"},
		{"mailto:ann@example.com?subject=x", "EMAIL:ann@example.com"},
		{"Ann <ann@example.com>, bob@example.com;c@d.ef", "EMAIL:ann@example.com|EMAIL:bob@example.com|EMAIL:c@d.ef"},
		{"u'ann@example.com'", "EMAIL:ann@example.com"},
		{"x@example.com.", "EMAIL:x@example.com"},
		{"write to a@b.com-based teams", "EMAIL:a@b.com"},
		{"10.0.0.0/8 and 2001:db8::/32", "IP:10.0.0.0|IP:2001:db8::"},
		{"10.0.0.1:8080 [fe80::1%eth0]:80 http://[::1]:80/", "IP:10.0.0.1|IP:fe80::1|IP:::1"},
		{"10.0.0.1-10.0.0.9", "IP:10.0.0.1|IP:10.0.0.9"},
		{"root@10.0.0.1", "IP:10.0.0.1"},
		{"server version 1.2.3.4 at 10.1.1.1", "IP:10.1.1.1"},
		{"e83c5163316f89bfbde7d9ab23ca2e25604af290 550e8400-e29b-41d4-a716-446655440000", ""},
		{"v1.2.3 1700000000 1700000000000 2024-05-06T07:08:09.123456789Z +1 (555) 010-9999", ""},
		{"for i := 0; i < 1000000000; i++ { x[i] = y[i:j:k] } // 3.14159265358979323846", ""},
		{"[EMAIL] [CREDIT_CARD_0123456789abcdef] [REDACTED]", ""},
	} {
		if got := found(all, c.text); got != c.want {
			t.Errorf("%q: found %q, want %q", c.text, got, c.want)
		}
	}
}

// TestIBANStructures: every structure spells a length that ISO 13616 allows.
func TestIBANStructures(t *testing.T) {
	for country, structure := range ibanStructures {
		n := 0
		for piece := structure; piece != ""; {
			i := strings.IndexAny(piece, "nac")
			if i <= 0 {
				t.Fatalf("%s: %q", country, structure)
			}
			length := 0
			for _, d := range piece[:i] {
				length = 10*length + int(d-'0')
			}
			n += length
			piece = piece[i+1:]
		}
		if n < 11 || n > 30 {
			t.Errorf("%s has a BBAN of %d", country, n)
		}
	}
}
