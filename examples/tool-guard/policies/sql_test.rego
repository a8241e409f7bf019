package toolguard.sql_test

import data.toolguard.sql

call(args, roles) := {"stage": "pre_tool", "principal": {"roles": roles}, "tool": "sql_query", "args": args}

run(query, role) := call({"query": query}, [role])

no_role := "the database is for the roles analyst and dba; ask one of them"

unreadable := "write the statement as the one argument query, a text"

unclear := "write the statement plainly, without comments, backslashes, dollar quotes and quotes inside of other quotes"

reading := "analyst may read alone, with one SELECT; ask a dba to change data"

drops := "nothing is dropped or truncated here; ask for a migration"

rows := "DELETE and UPDATE need a WHERE that says which rows"

analyst_may := [
	"select 1", "SELECT a FROM t WHERE b = 'x';", " select\n a\tfrom t", "with x as (select 1) select * from x",
	"select 'drop table t; --' from t", "select 'it''s', \"delete from\" from t", "select 'say \"update' from t",
	"explain select 1", "select updated_at, created from t", "select `set` from t", "select 1; ", "select ''",
]

test_analyst_may[query] if {
	some query in analyst_may
	sql.problems == set() with input as run(query, "analyst")
}

analyst_may_not := {
	"": {reading},
	"delete from t where a = 1": {reading},
	"DeLeTe\n FROM t where a": {reading},
	"update t set a = 1 where b": {reading},
	"insert into t values (1)": {reading},
	"select 1; delete from t where a": {reading},
	"select 1; select 2": {reading},
	"select 1;;": {reading},
	"select a into b from t": {reading},
	"with x as (delete from t where a returning *) select * from x": {reading},
	"select * from t for update": {reading, rows},
	"select pg_sleep(10)": {reading},
	"select pg_read_file('/etc/passwd')": {reading},
	"explain analyze delete from t where a": {reading},
	"copy t to program 'sh'": {reading},
	"select '--'; delete from t where a": {reading},
	"select 'a'';'; delete from t where a": {reading},
	"drop table t": {reading, drops},
	"delete from t": {reading, rows},
	"-- read\nselect 1": {unclear, reading},
	"select 1 -- read": {unclear},
	"select 1 /* read */": {unclear},
	"select 1/**/;delete/**/from t where a": {unclear, reading},
	"-- it's\ndelete from t where a -- '": {unclear, reading},
	"select 1 -- it's\n; delete from t where a -- '": {unclear},
	"select 1 /* ' */; delete from t where a /* ' */": {unclear},
	"select \"a'\"; delete from t where a; select \"'c\"": {unclear},
	"select `a'`; delete from t where a; select `'c`": {unclear},
	"select \"`\"; delete from t where a; select \"`\"": {unclear, reading},
	"select 'x": {unclear},
	"select \"x": {unclear},
	"select `x": {unclear},
	"select 'a\\'; delete from t where a; -- '": {unclear, reading},
	"select 'a\\', 'b'": {unclear},
	"select $$x$$": {unclear},
	"select $a$x$a$": {unclear},
	"select 1 # x": {unclear},
	"select 1 /*! x */": {unclear},
	"select 1--1": {unclear},
	"delete\u00a0from t where a": {unclear, reading},
	"select 1;de\u200blete from t where a": {unclear, reading},
}

test_analyst_may_not[query] if {
	some query, want in analyst_may_not
	sql.problems == want with input as run(query, "analyst")
}

dba_may := [
	"delete from t where a = 1", "update t set a = 1 where b = 'x'; insert into t values ('drop')", "create table t (a int)",
	"alter table t add column dropped int", "select 1", "update t set a = 'where' where b",
]

test_dba_may[query] if {
	some query in dba_may
	sql.problems == set() with input as run(query, "dba")
}

dba_may_not := {
	"drop table t": {drops},
	"DROP\tDATABASE d": {drops},
	"select 1; drop table t": {drops},
	"truncate t": {drops},
	"alter table t drop column a": {drops},
	"delete from t": {rows},
	"Delete  From\n t;": {rows},
	"delete/**/from t": {unclear},
	"update t set a = 1": {rows},
	"update t set a = 'where'": {rows},
	"update \"where\" set a = 1": {rows},
	"update t set a = 1 -- where": {unclear},
	"select 1 where a; delete from t": {rows},
	"delete from t; select 1 where a": {rows},
	"select 'a\\''": {unclear},
}

test_dba_may_not[query] if {
	some query, want in dba_may_not
	sql.problems == want with input as run(query, "dba")
}

others := {
	"another role": {"input": run("select 1", "dev"), "want": {no_role}},
	"another role writes": {"input": run("delete from t where a", "dev"), "want": {no_role}},
	"the same statement twice": {"input": call({"sql": "select 1", "query": "select 1"}, ["dba"]), "want": {unreadable}},
	"another tool, unclear": {"input": object.union(run("-- x", "x"), {"tool": "search"}), "want": set()},
	"another tool of an analyst": {"input": object.union(run("delete from t", "analyst"), {"tool": "search"}), "want": set()},
	"no role": {"input": call({"query": "select 1"}, []), "want": {no_role}},
	"another case of the role": {"input": call({"query": "select 1"}, ["DBA"]), "want": {no_role}},
	"roles that are no list": {"input": call({"query": "select 1"}, "dba"), "want": {no_role}},
	"no principal": {"input": object.remove(run("select 1", "dba"), ["principal"]), "want": {no_role}},
	"both roles": {"input": call({"query": "delete from t where a"}, ["analyst", "dba"]), "want": set()},
	"another key": {"input": call({"sql": "select 1", "params": [1]}, ["analyst"]), "want": set()},
	"free text": {"input": call("select 1", ["analyst"]), "want": set()},
	"free text that is denied": {"input": call("truncate t", ["dba"]), "want": {drops}},
	"two statements": {"input": call({"sql": "select 1", "query": "truncate t"}, ["dba"]), "want": {unreadable, drops}},
	"an unknown key": {"input": call({"sql": "select 1", "after": "truncate t"}, ["dba"]), "want": {unreadable}},
	"no statement": {"input": call({}, ["dba"]), "want": {unreadable}},
	"no statement of an analyst": {"input": call({}, ["analyst"]), "want": {unreadable, reading}},
	"a list": {"input": call({"query": ["truncate t"]}, ["dba"]), "want": {unreadable}},
	"null": {"input": call(null, ["dba"]), "want": {unreadable}},
	"no arguments": {"input": object.remove(run("", "dba"), ["args"]), "want": {unreadable}},
	"another tool": {"input": object.union(run("truncate t", "x"), {"tool": "search"}), "want": set()},
	"another case of the tool": {"input": object.union(run("select 1", "x"), {"tool": "Run_SQL"}), "want": {no_role}},
	"no tool": {"input": {"stage": "pre_tool"}, "want": set()},
}

test_others[note] if {
	some note, case in others
	sql.problems == case.want with input as case.input
}
