package toolguard.files_test

import data.toolguard.files

call(tool, args, roles) := {"stage": "pre_tool", "principal": {"roles": roles}, "tool": tool, "args": args}

read(path) := call("read_file", {"path": path}, [])

nameless := "name the file in the one argument path, or the files in paths"

unclear := "write the path in full: letters, digits and . _ - / and the like, without .., ~, \\, % and special characters"

outside := "only files below /workspace may be touched; copy what you need to there"

secret := "files with secrets and Git's own files are out of bounds; ask for what you need from the vault"

no_role := "changing files is for the role dev; ask one of them"

readable := [
	"/workspace/a.go", "/workspace", "/workspace/", "src/main.go", "./src/a b (1).txt", "/workspace//a", "//workspace/./a",
	"Übersicht.md", ".envrc", "env", "monkey.txt", ".github/ci.yml", "identity.go", "a..b",
]

test_readable[path] if {
	some path in readable
	files.problems == set() with input as read(path)
}

not_readable := {
	"/etc/passwd": {outside},
	"/": {outside},
	"/workspaces/a": {outside},
	"/Workspace/a": {outside},
	"//etc/passwd": {outside},
	"/./etc/passwd": {outside},
	"": {unclear},
	"..": {unclear},
	"../a": {unclear},
	"/workspace/../etc/passwd": {unclear},
	"/workspace/a/../../etc/passwd": {unclear},
	"a/.../b": {unclear},
	"a/ ../b": {unclear},
	"a/.. /b": {unclear},
	"..\\a": {unclear},
	"%2e%2e/a": {unclear},
	"~/a": {unclear},
	"$HOME/a": {unclear},
	"a\u0000b": {unclear},
	"a\nb": {unclear},
	"a\u200bb": {unclear},
	"file:///workspace/a": {unclear},
	"C:/a": {unclear},
	"*": {unclear},
	".env": {secret},
	".ENV": {secret},
	".env.": {secret},
	"app/.env.local": {secret},
	"app//.env": {secret},
	".git/hooks/pre-commit": {secret},
	".ssh/config": {secret},
	"keys/tls.PEM": {secret},
	"id_ed25519": {secret},
	"/root/.ssh/id_rsa": {outside, secret},
}

test_not_readable[path] if {
	some path, want in not_readable
	files.problems == want with input as read(path)
}

calls := {
	"a list": {"input": call("search_files", {"paths": ["a", "b"], "query": "../x"}, []), "want": set()},
	"a list with one outside": {"input": call("search_files", {"paths": ["a", "/etc"]}, []), "want": {outside}},
	"a developer writes": {"input": call("write_file", {"path": "a", "content": "rm -rf /"}, ["dev"]), "want": set()},
	"a developer moves": {"input": call("move_file", {"source": "a", "destination": "b"}, ["dev"]), "want": set()},
	"a developer moves away": {"input": call("move_file", {"source": "a", "destination": "/tmp/a"}, ["dev"]), "want": {outside}},
	"a developer writes a secret": {"input": call("write_file", {"path": ".env"}, ["dev"]), "want": {secret}},
	"another writes": {"input": call("write_file", {"path": "a"}, ["analyst"]), "want": {no_role}},
	"another case of the tool": {"input": call("Write_File", {"path": "a"}, ["analyst"]), "want": {no_role}},
	"another case of the role": {"input": call("write_file", {"path": "a"}, ["Dev"]), "want": {no_role}},
	"no role": {"input": call("delete_file", {"path": "a"}, []), "want": {no_role}},
	"roles that are no list": {"input": call("delete_file", {"path": "a"}, "dev"), "want": {no_role}},
	"no principal": {"input": object.remove(call("delete_file", {"path": "a"}, []), ["principal"]), "want": {no_role}},
	"no path": {"input": call("read_file", {}, []), "want": {nameless}},
	"only a text": {"input": call("read_file", {"query": "x"}, []), "want": {nameless}},
	"an unknown key": {"input": call("read_file", {"path": "a", "target": "/etc"}, []), "want": {nameless}},
	"a path that is no text": {"input": call("read_file", {"path": ["/etc"]}, []), "want": {nameless}},
	"a path that is no text beside one": {"input": call("read_file", {"path": "a", "file_path": 7}, []), "want": {nameless}},
	"paths that are no list": {"input": call("read_file", {"paths": "/etc"}, []), "want": {nameless}},
	"paths that are no texts": {"input": call("read_file", {"paths": ["a", 7]}, []), "want": {nameless}},
	"paths that are an object": {"input": call("read_file", {"paths": {"a": "b"}}, []), "want": {nameless}},
	"a list for arguments": {"input": call("read_file", ["/etc/passwd"], []), "want": {nameless}},
	"another tool with a secret": {"input": call("search", {"path": "../.env"}, []), "want": set()},
	"another tool with a secret alone": {"input": call("search", {"path": ".env"}, []), "want": set()},
	"free text": {"input": call("read_file", "/etc/passwd", []), "want": {nameless}},
	"null": {"input": call("read_file", null, []), "want": {nameless}},
	"no arguments": {"input": {"tool": "read_file"}, "want": {nameless}},
	"another tool": {"input": call("search", {"path": "/etc/passwd"}, []), "want": set()},
	"no tool": {"input": {"stage": "pre_tool"}, "want": set()},
}

test_calls[note] if {
	some note, case in calls
	files.problems == case.want with input as case.input
}
