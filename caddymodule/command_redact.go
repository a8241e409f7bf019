package caddymodule

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"

	"github.com/headgate/headgate/redact"
)

const (
	redactUsage = "[--entities <selector>,...] [--as <operator>] [--explain | --jsonl] [<file>...]"
	redactLong  = `Writes files, or standard input, to standard output with everything replaced that
the selectors find, as a gate would. "-" is standard input. Nothing is held back
but what is not yet decided, so files may be of any size.

Selectors are written as in the Caddyfile: entities (EMAIL), groups (PII), "*"
for everything that is built in, re:<expression> and lit:<text>. One that has a
comma is put in quotes of its own: --entities 'EMAIL,"re:INT-[0-9]{4,6}"'.

The exit code is 1 where a file or a line cannot be read, and 2 where the
command cannot be meant as it was written.`
	redactExample = "  headgate redact notes.txt > clean.txt\n" +
		"  git diff | headgate redact --entities 'EMAIL,re:INT-[0-9]{6}' --explain\n" +
		"  headgate redact --as mask --keep-last 4 --jsonl prompts.jsonl"

	redactionKeyVariable = "HEADGATE_REDACTION_KEY"
)

// redactOperators are the operators as the flag --as takes them.
var redactOperators = choice{"--as", operators.words, operators.later}

type redactFlags struct {
	entities       []string
	as             string
	keepLast       int
	explain, jsonl bool
}

// setUpRedact makes `headgate redact` of cmd.
func setUpRedact(cmd *cobra.Command) {
	var f redactFlags
	cmd.Example = redactExample
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.entities, "entities", "e", []string{"*"}, "what to find: selectors with commas between; may be repeated")
	flags.StringVar(&f.as, "as", redact.Placeholder, either(operators.words)+"; the key of hash is in "+redactionKeyVariable)
	flags.IntVar(&f.keepLast, "keep-last", 0, "with --as mask: how many characters at the end stay, at most half of them")
	flags.BoolVar(&f.explain, "explain", false, "write file:line:column, entity and length of each finding, and no text")
	flags.BoolVar(&f.jsonl, "jsonl", false, `lines are objects with a "text"; write the same with "findings"`)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.PrintErrln(err)
		return exit(cmd, exitUsage)
	})
	cmd.RunE = runs(func(cmd *cobra.Command, args []string) (int, error) {
		set, err := f.compile()
		if err != nil {
			return exitUsage, err
		}
		write := redactText
		switch {
		case f.explain:
			write = explainText
		case f.jsonl:
			write = redactLines
		}
		if len(args) == 0 {
			args = []string{"-"}
		}
		for _, name := range args {
			if err := withFile(cmd, name, func(name string, r io.Reader) error {
				return write(cmd.OutOrStdout(), set, name, r)
			}); err != nil {
				return exitFault, err
			}
		}
		return 0, nil
	})
}

// withFile hands a file to f, or standard input for "-".
func withFile(cmd *cobra.Command, name string, f func(name string, r io.Reader) error) error {
	if name == "-" {
		return f("<stdin>", cmd.InOrStdin())
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return f(name, file)
}

// compile checks the flags and compiles what they ask for.
func (f *redactFlags) compile() (*redact.Set, error) {
	if f.explain && f.jsonl {
		return nil, errors.New("--explain and --jsonl exclude each other: --jsonl tells the findings beside each text")
	}
	if err := redactOperators.check(f.as); err != nil {
		return nil, err
	}
	switch {
	case f.keepLast < 0:
		return nil, errors.New("--keep-last must be a number of characters, 0 or more")
	case f.keepLast > 0 && f.as != redact.Mask:
		return nil, errors.New("--keep-last only goes with --as mask")
	}
	key := os.Getenv(redactionKeyVariable)
	if f.as == redact.Hash && key == "" {
		return nil, errors.New("--as hash needs a key: set the environment variable " + redactionKeyVariable)
	}
	specs, err := splitSelectors(f.entities)
	if err != nil {
		return nil, err
	}
	selectors := make([]redact.Selector, len(specs))
	for i, spec := range specs {
		selectors[i] = redact.Selector{Spec: spec, As: f.as, KeepLast: f.keepLast}
	}
	set, err := redact.Compile(selectors, redact.Options{Key: []byte(key)})
	if refused := (*redact.SelectorError)(nil); errors.As(err, &refused) {
		counted := *refused
		counted.Index++ // people count from 1
		return nil, fmt.Errorf("--entities: %w%s", &counted, entityHint(specs, refused))
	}
	return set, err
}

// splitSelectors reads lists of selectors: CSV (RFC 4180), with quotes allowed
// inside of a selector.
func splitSelectors(lists []string) ([]string, error) {
	var specs []string
	for _, list := range lists {
		if !utf8.ValidString(list) {
			return nil, errors.New("--entities is not UTF-8")
		}
		r := csv.NewReader(strings.NewReader(list))
		r.LazyQuotes, r.TrimLeadingSpace, r.FieldsPerRecord = true, true, -1
		records, err := r.ReadAll()
		if err != nil {
			return nil, fmt.Errorf("--entities: %w", err)
		}
		for _, record := range records {
			for _, spec := range record {
				if !strings.Contains(spec, ":") {
					spec = strings.TrimSpace(spec)
				}
				if spec == "" {
					return nil, errors.New(`--entities: a selector is empty; write a name such as EMAIL, or "*"`)
				}
				specs = append(specs, spec)
			}
		}
	}
	if len(specs) == 0 {
		return nil, errors.New(`--entities names nothing; write a name such as EMAIL, or "*"`)
	}
	return specs, nil
}

// entityHint says what was probably meant by a name that is not known, or "".
func entityHint(specs []string, err *redact.SelectorError) string {
	if !errors.Is(err, redact.ErrUnknownEntity) {
		return ""
	}
	wrong := strings.ToUpper(err.Selector)
	nearest, distance := "", max(2, len(wrong)/3)+1
	for _, name := range append(redact.Entities(), redact.Groups()...) {
		if n := levenshtein.ComputeDistance(wrong, name); n < distance && n < len(name) {
			nearest, distance = name, n
		}
	}
	switch {
	case nearest != "":
		return "; did you mean " + nearest + "?"
	case err.Index > 0 && strings.Contains(specs[err.Index-1], ":"):
		return "; a selector that has a comma is put in quotes of its own"
	}
	return ""
}
