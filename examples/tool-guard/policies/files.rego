# METADATA
# title: File paths
# description: |
#   Tools read below /workspace; who has the role dev may have them write there.
#   A path that is not absolute begins in /workspace. What could be read in two
#   ways (.., backslashes, percent signs, …) is refused instead of resolved. What
#   a symbolic link points at only the tool can see.
package toolguard.files

problems contains "name the file in the one argument path, or the files in paths" if {
	is_file
	not readable
}

problems contains "write the path in full: letters, digits and . _ - / and the like, without .., ~, \\, % and special characters" if {
	is_file
	some path in paths
	not clear(path)
}

problems contains "only files below /workspace may be touched; copy what you need to there" if {
	is_file
	some path in paths
	not inside(path)
}

problems contains "files with secrets and Git's own files are out of bounds; ask for what you need from the vault" if {
	is_file
	some path in paths
	secret(path)
}

problems contains "changing files is for the role dev; ask one of them" if {
	is_file
	not reads
	not "dev" in roles
}

reading_tools := {"read_file", "view_file", "list_directory", "search_files"}

writing_tools := {"write_file", "edit_file", "append_file", "create_file", "move_file", "delete_file"}

is_file if lower(input.tool) in (reading_tools | writing_tools)

reads if lower(input.tool) in reading_tools

roles contains role if some role in input.principal.roles

path_keys := {"path", "file_path", "source", "destination"}

# What holds no path: the text to write or to find.
text_keys := {"content", "text", "old_text", "new_text", "query", "limit", "offset"}

paths contains input.args[key] if {
	some key in path_keys
	is_string(input.args[key])
}

paths contains path if {
	some path in input.args.paths
	is_string(path)
}

readable if {
	count(paths) > 0
	every key, value in input.args { known(key, value) }
}

known(key, value) if {
	key in path_keys
	is_string(value)
}

known("paths", value) if {
	is_array(value)
	every path in value { is_string(path) }
}

known(key, _) if key in text_keys

clear(path) if {
	regex.match(`^[\pL\pN ._/@+=,()\[\]-]+$`, path)
	every segment in split(path, "/") {
		not regex.match(`^\.\.+$|^ | $`, segment)
	}
}

inside(path) if not startswith(path, "/")

inside(path) if segments(path)[0] == "workspace"

# Without empty ones and single dots.
segments(path) := [segment |
	some segment in split(path, "/")
	not segment in {"", "."}
]

secret(path) if regex.match(`(?i)(^|/)(\.env(\.[^/]*)?|\.ssh|\.aws|\.netrc|\.npmrc|\.git|id_[a-z0-9]+|[^/]*\.(pem|key|p12))[. ]*(/|$)`, path)
