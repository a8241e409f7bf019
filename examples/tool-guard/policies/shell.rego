# METADATA
# title: Shell commands
# description: |
#   dev may run single commands of a short list. ops may run anything that no
#   pattern speaks against. Nobody else has a shell. What is looked at is what
#   the shell would make of the text: without quotes, backslashes and
#   continued lines, in lower case, with single spaces.
package toolguard.shell

problems contains "a shell is for the roles dev and ops; ask one of them" if {
	is_shell
	not role("dev")
	not role("ops")
}

problems contains "write the command as the one argument command, a text or a list of words" if {
	is_shell
	not readable
}

problems contains "dev may run single commands without pipes and redirections: ls, pwd, cat, head, tail, wc, grep, git status, diff, log, show; ask ops for more" if {
	is_shell
	role("dev")
	not role("ops")
	not all_listed
}

problems contains reason if {
	is_shell
	some command in commands
	some pattern, reason in never
	regex.match(pattern, command)
}

is_shell if lower(input.tool) in {"shell", "shell_exec", "bash", "exec_command", "execute_command", "run_command", "run_terminal_cmd"}

role(name) if name in input.principal.roles

# The commands as they are written. A custom tool's free text is one, too.
texts contains input.args if is_string(input.args)

texts contains input.args[key] if {
	some key in command_keys
	is_string(input.args[key])
}

texts contains concat(" ", input.args[key]) if {
	some key in command_keys
	is_array(input.args[key])
	every word in input.args[key] { is_string(word) }
}

command_keys := {"command", "cmd"}

harmless_keys := {"cwd", "workdir", "timeout", "timeout_ms", "description"}

readable if is_string(input.args)

# One command, and nothing beside it that could be another.
readable if {
	is_object(input.args)
	count(texts) == 1
	count(object.keys(input.args) & command_keys) == 1
	count(object.keys(input.args) - (command_keys | harmless_keys)) == 0
}

# What the shell would see.
commands contains plain(text) if some text in texts

plain(text) := single_spaced(strings.replace_n({`"`: "", "'": "", `\`: ""}, joined)) if {
	joined := replace(replace(lower(text), "\\\r\n", ""), "\\\n", "")
}

single_spaced(text) := concat(" ", [word |
	some word in split(strings.replace_n({"\t": " ", "\n": " ", "\r": " ", "\u000b": " ", "\u000c": " "}, text), " ")
	word != ""
])

all_listed if {
	count(texts) > 0
	every text in texts {
		regex.match(`^[A-Za-z0-9 ./_=:,@^+-]+$`, text)
		some pattern in [
			`^(ls|pwd|cat|head|tail|wc|grep)( |$)`,
			# No long options: some of them write files and run programs.
			`^git (status|diff|log|show)( -[a-z0-9]+| [^ -][^ ]*)*$`,
		]
		regex.match(pattern, plain(text))
	}
}

# Patterns in RE2, and what to tell the person.
never := {
	`\$\{?ifs|\p{Cf}|[\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]`: "write plain spaces; $IFS and invisible characters hide what is run",
	`(^|[^\w.-])rm( [^;&|]*)? (-\w*r|--recursive)`: "deleting recursively is not allowed; name the files, without -r",
	`(^|[^\w.-])find [^;&|]*-(delete|exec)`: "find may not delete or execute; list the files first",
	`(^|[^\w.-])(mkfs|dd|shred|wipefs|fdisk)([ .]|$)`: "writing to devices is not allowed; ask for the disk to be changed by hand",
	`>\|? ?/dev/(sd|hd|vd|xvd|nvme|disk|mem)`: "writing to devices is not allowed; ask for the disk to be changed by hand",
	`\|&? ?(sudo |env |exec |nohup )*([^ ]*/)?((ba|da|z|k|fi)?sh|python[\d.]*|perl|node|ruby)\b`: "output may not be piped into a shell or an interpreter; save it and look at it first",
	`(^|[^\w.-])((ba|da|z|k)?sh|eval|source|python[\d.]*|perl)\b[^;]*(\$\(|<\(|\x60)`: "output may not be run as a command; save it and look at it first",
	`:\(\) ?\{`: "functions that call themselves are not allowed",
	`(^|[^\w.-])chmod [^;&|]*(777|a\+\w*w|o\+\w*w)`: "files that everybody may write are not allowed; name the user or the group",
	`\.ssh/|\.aws/|\.kube/config|\.gnupg|/etc/(shadow|sudoers)|(^|[ /=])\.env\b|/proc/[^ ]*/environ`: "files with secrets are out of bounds; ask for what you need from the vault",
}
