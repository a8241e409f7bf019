package caddymodule

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
)

// checkCommand is `headgate policy check`.
func checkCommand() *cobra.Command {
	var flags policyFlags
	var strict bool
	cmd := &cobra.Command{
		Use:   "check [<file-directory-bundle-or-url>...]",
		Short: "Parses and compiles policies, and warns of the traps",
		Long: `Parses and compiles policies as a gate would, says of each file which version of
Rego it is, shows what covers each stage, and warns of what most probably is not
meant. Faults are printed as file:line:col: reason, and the exit code is then 1.`,
		Example: "  headgate policy check policies/\n  headgate policy check --config Caddyfile --strict",
		RunE: runs(func(cmd *cobra.Command, args []string) (int, error) {
			if err := flags.formats("text", "json"); err != nil {
				return 0, err
			}
			return check(cmd, &flags, strict, args)
		}),
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings fail the check")
	return cmd
}

// checked is the JSON form of a check.
type checked struct {
	SHA256   string        `json:"sha256,omitempty"`
	Files    []fileStatus  `json:"files,omitempty"`
	Stages   []stageStatus `json:"stages,omitempty"`
	Errors   []placed      `json:"errors,omitempty"`
	Warnings []placed      `json:"warnings,omitempty"`
}

// placed is something that is wrong at a place.
type placed struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

func (p placed) String() string {
	s := fmt.Sprintf("%s:%d:%d: warning: %s", p.File, p.Line, p.Col, p.Message)
	if p.Code != "" {
		s += " [" + p.Code + "]"
	}
	return s
}

func check(cmd *cobra.Command, flags *policyFlags, strict bool, args []string) (int, error) {
	source, c, err := flags.open(cmd.Context(), args)
	var faults *rego.CompileError
	switch {
	case errors.As(err, &faults):
		return exitFault, faulty(cmd, flags, faults)
	case err != nil:
		return 0, err
	}
	p := source.Policy()
	e := engine{source: source}
	st := e.status()
	out := checked{SHA256: p.SHA256(), Files: st.Files, Stages: st.Stages}
	for _, w := range append(p.Warnings(), p.Lint()...) {
		one := placed{w.File, w.Line, w.Col, w.Code, w.Message}
		if w.Code == "no-default" && c.Policy.Fallthrough {
			continue // that is what the allowlist is there for
		}
		if !contains(out.Warnings, one) {
			out.Warnings = append(out.Warnings, one)
		}
	}
	code := 0
	if strict && len(out.Warnings) > 0 {
		code = exitFault
	}
	if flags.format == "json" {
		return code, writeJSON(cmd, out)
	}
	return code, out.writeText(cmd.OutOrStdout(), c)
}

// contains tells whether the same was said already: what loading warns of has no
// code, and the lint of its place says it again.
func contains(all []placed, p placed) bool {
	return slices.ContainsFunc(all, func(o placed) bool {
		same := o.File == p.File && o.Line == p.Line && o.Col == p.Col
		return same && (o.Code == "" || o.Code == p.Code && o.Message == p.Message)
	})
}

func faulty(cmd *cobra.Command, flags *policyFlags, faults *rego.CompileError) error {
	if flags.format != "json" {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), faults.Error())
		return err
	}
	var out checked
	for _, f := range faults.Faults {
		out.Errors = append(out.Errors, placed{File: f.File, Line: f.Line, Col: f.Col, Message: f.Reason})
	}
	return writeJSON(cmd, out)
}

func (c *checked) writeText(w io.Writer, config *Config) error {
	var b strings.Builder
	for _, f := range c.Files {
		fmt.Fprintf(&b, "%s: Rego %s\n", f.Path, f.Rego)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintln(&b, warning)
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tDECIDED BY\tCOMPUTES\tREMEMBERED")
	for _, s := range c.Stages {
		by := grouped(s.Surfaces)
		if !s.Covered {
			by = strings.TrimSpace(by + " (" + uncovered(s.Stage, config) + ")")
		}
		remembered := "no"
		if s.Remembered {
			remembered = "yes"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Stage, by, s.Needs, remembered)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "\n%s, %s, sha256 %s\n", counted(len(c.Files), "file"), counted(len(c.Warnings), "warning"), c.SHA256)
	_, err := io.WriteString(w, b.String())
	return err
}

// grouped writes surfaces by package: "headgate: allow deny, cullis.policy:
// tool_call".
func grouped(surfaces []string) string {
	var groups []string
	names := map[string][]string{}
	for _, s := range surfaces {
		s = strings.TrimPrefix(s, "data.")
		i := strings.LastIndexByte(s, '.')
		pkg, name := s[:max(i, 0)], s[i+1:]
		if names[pkg] == nil {
			groups = append(groups, pkg)
		}
		names[pkg] = append(names[pkg], name)
	}
	for i, pkg := range groups {
		groups[i] = pkg + ": " + strings.Join(names[pkg], " ")
	}
	return strings.Join(groups, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// uncovered says what happens at a stage that nothing covers.
func uncovered(s policy.Stage, c *Config) string {
	switch {
	case s.Post():
		return "uncovered: passes"
	case c.Policy.defaultAllow()[s]:
		return "uncovered: allowed by default"
	case c.Policy.Fallthrough:
		return "uncovered: the allowlist decides"
	}
	return "uncovered: denied"
}
