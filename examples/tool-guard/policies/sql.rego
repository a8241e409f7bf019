# METADATA
# title: SQL statements
# description: |
#   analyst may read, one statement at a time. dba may write, too, but not
#   without WHERE, and drops nothing. What is looked at is the statement without
#   its comments and without what stands in quotes, in lower case, with single
#   spaces. What databases read in different ways is refused.
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

problems contains ambiguous if {
	is_sql
	some text in texts
	contains(text, `\`)
}

problems contains ambiguous if {
	is_sql
	some code in codes
	regex.match(`\$\w*\$|#|--|/\*[!+]`, code)
}

ambiguous := "write the statement without backslashes, dollar quotes, # and special comments; databases differ in what they mean"

problems contains "a quote or a comment is not closed; write the whole statement" if {
	is_sql
	some code in codes
	regex.match("['\"`]|/\\*([^!+]|$)", code)
}

problems contains "analyst may read alone, with one SELECT; ask a dba to change data" if {
	is_sql
	role("analyst")
	not role("dba")
	not reads
}

problems contains "nothing is dropped or truncated here; ask for a migration" if {
	is_sql
	some code in codes
	regex.match(`\b(drop|truncate)\b`, code)
}

problems contains "DELETE and UPDATE need a WHERE that says which rows" if {
	is_sql
	some code in codes
	some statement in split(code, ";")
	regex.match(`\b(delete from|update)\b`, statement)
	not chosen(statement)
}

chosen(statement) if regex.match(`\bwhere\b`, statement)

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

# The statement in plain: without comments, a ? for each quoted text.
codes contains code if {
	some text in texts
	bare := regex.replace(text, concat("|", [sprintf("(%s)", [quoted]), comment]), "$1 ")
	code := trim_space(regex.replace(lower(regex.replace(bare, quoted, " ? ")), `[\s\pZ\p{Cf}]+`, " "))
}

quoted := "'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"

# As all databases understand them: -- and a space, and no /*! or /*+.
comment := `--(?:[ \t][^\r\n]*)?(?:[\r\n]|$)|/\*(?:[^!+](?s:.*?))??\*/`

reads if {
	count(codes) > 0
	every code in codes {
		regex.match(`^(\? )*(select|with|explain|show|describe)\b[^;]*(;[ ?]*)?$`, code)
		not changes(code)
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
