# METADATA
# title: SQL statements
# description: |
#   analyst may read, one statement at a time. dba may write, too, but not
#   without WHERE, and drops nothing. What is looked at is the statement without
#   what stands in quotes, in lower case, with single spaces. What databases read
#   in different ways, comments among it, is refused.
package toolguard.sql

problems contains "the database is for the roles analyst and dba; ask one of them" if {
	is_sql
	not role("analyst")
	not role("dba")
}

problems contains "write the statement as the one argument query, a text" if {
	is_sql
	not readable
}

problems contains "write the statement plainly, without comments, backslashes, dollar quotes and quotes inside of other quotes" if {
	is_sql
	some text in texts
	not plain(text)
}

problems contains "analyst may read alone, with one SELECT; ask a dba to change data" if {
	is_sql
	role("analyst")
	not role("dba")
	not reads
}

problems contains "nothing is dropped or truncated here; ask for a migration" if {
	is_sql
	some text in texts
	regex.match(`\b(drop|truncate)\b`, code(text))
}

problems contains "DELETE and UPDATE need a WHERE that says which rows" if {
	is_sql
	some text in texts
	some statement in split(code(text), ";")
	regex.match(`\b(delete from|update)\b`, statement)
	not chosen(statement)
}

is_sql if lower(input.tool) in {"sql", "sql_query", "run_sql", "execute_sql", "query_database"}

role(name) if name in input.principal.roles

statement_keys := {"query", "sql", "statement"}

harmless_keys := {"params", "parameters", "database", "limit", "timeout"}

texts contains input.args if is_string(input.args)

texts contains input.args[key] if {
	some key in statement_keys
	is_string(input.args[key])
}

readable if is_string(input.args)

readable if {
	is_object(input.args)
	count(texts) == 1
	count(object.keys(input.args) & statement_keys) == 1
	count(object.keys(input.args) - (statement_keys | harmless_keys)) == 0
}

# Every quote is closed before one of another kind opens, and what is left has
# nothing in it that one database takes for a comment or a quote and another
# does not.
plain(text) if {
	not contains(text, `\`)
	parts := split(text, "'")
	count(parts) % 2 == 1
	every part in between(parts) {
		count(split(part, `"`)) % 2 == 1
		count(split(part, "`")) % 2 == 1
	}
	not two_kinds(text)
	not ambiguous(code(text))
}

two_kinds(text) if {
	contains(text, `"`)
	contains(text, "`")
}

ambiguous(code) if regex.match(`--|/\*|#|\$\w*\$|\p{Cf}|[\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]`, code)

# What does not stand in quotes; a ? stands for what does. A doubled quote inside
# of quotes is an end and a beginning.
code(text) := single_spaced(lower(unquoted(unquoted(unquoted(text, "'"), `"`), "`")))

unquoted(text, quote) := concat(" ? ", between(split(text, quote)))

between(parts) := [part |
	some i, part in parts
	i % 2 == 0
]

single_spaced(text) := concat(" ", [word |
	some word in split(strings.replace_n({"\t": " ", "\n": " ", "\r": " ", "\u000b": " ", "\u000c": " "}, text), " ")
	word != ""
])

chosen(statement) if regex.match(`\bwhere\b`, statement)

reads if {
	count(texts) > 0
	every text in texts {
		regex.match(`^(select|with|explain|show|describe)\b[^;]*;?$`, code(text))
		not changes(code(text))
	}
}

# Words that change something, wait, or reach outside the database.
changes(code) if regex.match(concat("", [`\b(`, concat("|", changing), `)\b`]), code)

changing := [
	"insert", "update", "delete", "merge", "replace into", "drop", "alter", "create", "truncate", "grant", "revoke",
	"copy", "call", "exec", "execute", "do", "into", "set", "lock", "load", "attach", "vacuum", "for share",
	`\w*sleep`, "benchmark", `pg_(read|write|ls|stat_file|terminate|cancel|reload)\w*`, `lo_\w+`, `dblink\w*`, "load_file", `xp_\w+`,
	"nextval", "setval",
]
