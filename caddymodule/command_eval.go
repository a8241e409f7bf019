package caddymodule

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/allowlist"
	"github.com/headgate/headgate/policy/rego"
)

// askFlags are those of the commands that decide about an input.
type askFlags struct {
	policyFlags
	stage, input string
	allowlist    string
	through      bool
}

func (f *askFlags) add(cmd *cobra.Command) {
	f.policyFlags.add(cmd)
	cmd.Flags().StringVarP(&f.stage, "stage", "s", "", "the stage, where the input does not name one: "+either(stages.words))
	cmd.Flags().StringVarP(&f.input, "input", "i", "", "a file with the input document, - for standard input")
	cmd.Flags().StringVar(&f.allowlist, "allowlist", "", "a JSON file, the layer behind the policies")
	cmd.Flags().BoolVar(&f.through, "fallthrough", false, "let the allowlist decide where the policies give no answer")
	_ = cmd.MarkFlagRequired("input") // the flag exists
}

// asked is a policy with the question to it.
type asked struct {
	source *rego.Source
	policy policy.Policy // with the allowlist behind it
	input  *policy.Input
}

func (f *askFlags) ask(cmd *cobra.Command, args []string) (*asked, error) {
	if err := f.formats("text", "json"); err != nil {
		return nil, err
	}
	stage, err := stageNamed(f.stage)
	if err != nil {
		return nil, err
	}
	source, c, err := f.open(cmd.Context(), args)
	if err != nil {
		return nil, err
	}
	a := &asked{source: source, policy: source.Current()}
	if f.allowlist != "" {
		c.Allowlist, c.Policy.Fallthrough = f.allowlist, f.through
	}
	if err := c.validateFallthrough(); err != nil {
		return nil, err
	}
	if c.Allowlist != "" {
		list, err := allowlist.New(allowlist.Config{
			Policy: source, Path: expand(c.Allowlist), Fallthrough: c.Policy.Fallthrough,
			Logger: warnings(cmd.ErrOrStderr()),
		})
		if err != nil {
			return nil, err
		}
		a.policy = list.Current()
	}
	name := f.input
	if name == "-" {
		name = "<stdin>"
	}
	text, err := readInput(cmd, f.input)
	if err != nil {
		return nil, err
	}
	a.input, err = rego.ParseInput(name, text, stage)
	return a, err
}

// warnings is a logger of warnings, without the time of day.
func warnings(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// evalCommand is `headgate policy eval`.
func evalCommand() *cobra.Command {
	var flags askFlags
	cmd := &cobra.Command{
		Use:   "eval --input <file> [--stage <stage>] [<policy>...]",
		Short: "Decides about one input document, as the gate would",
		Long: `Decides about one input document, in the shape that policies see (see "headgate
policy schema"). The exit code is 0 for every decision that was made; with
--fail it is 1 for a deny.`,
		Example: "  headgate policy eval --stage pre_tool --input call.json policies/\n" +
			"  echo '{\"stage\": \"pre_chat\", \"model\": \"gpt-5\"}' | headgate policy eval --input - --config Caddyfile",
	}
	flags.add(cmd)
	fail := cmd.Flags().Bool("fail", false, "let a deny fail the command")
	cmd.RunE = runs(func(cmd *cobra.Command, args []string) (int, error) {
		a, err := flags.ask(cmd, args)
		if err != nil {
			return 0, err
		}
		d := a.policy.Decide(cmd.Context(), a.input)
		code := 0
		if *fail && d.Action == policy.Deny {
			code = exitFault
		}
		if flags.format == "json" {
			return code, writeJSON(cmd, d)
		}
		return code, writeDecision(cmd.OutOrStdout(), &d)
	})
	return cmd
}

// writeDecision writes a decision for people, the decision first.
func writeDecision(w io.Writer, d *policy.Decision) error {
	var b strings.Builder
	b.WriteString(string(d.Action))
	if d.Reason != "" {
		b.WriteString(": " + d.Reason)
	}
	b.WriteByte('\n')
	if d.ForceModel != "" {
		fmt.Fprintf(&b, "  model    %s\n", d.ForceModel)
	}
	for _, s := range d.Redact {
		fmt.Fprintf(&b, "  redact   %s\n", strings.TrimSpace(s.Spec+" "+s.As))
	}
	for _, t := range d.HideTools {
		fmt.Fprintf(&b, "  hide     %s\n", t)
	}
	if d.Detail != "" {
		fmt.Fprintf(&b, "  because  %s\n", d.Detail)
	}
	fmt.Fprintf(&b, "  layer    %s, sha256 %.12s, %d µs\n", d.Layer, d.SHA256, d.Eval.Microseconds())
	_, err := io.WriteString(w, b.String())
	return err
}

// explainCommand is `headgate policy explain`.
func explainCommand() *cobra.Command {
	var flags askFlags
	var verbose, values bool
	cmd := &cobra.Command{
		Use:   "explain --input <file> [--stage <stage>] [<policy>...]",
		Short: "Tells which rule decided, where it stands and what it read",
		Long: `Decides about one input document and tells which rules made the decision, with
their places and the paths of the input that they read. Values of the input are
not shown unless --values is given: they can be somebody's prompt.`,
		Example: "  headgate policy explain --stage pre_tool --input call.json policies/ -v",
	}
	flags.add(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also tell why the other rules did not fire")
	cmd.Flags().BoolVar(&values, "values", false, "show the values that were read, cut to 80 bytes")
	cmd.RunE = runs(func(cmd *cobra.Command, args []string) (int, error) {
		a, err := flags.ask(cmd, args)
		if err != nil {
			return 0, err
		}
		return 0, a.explain(cmd, flags.format, verbose, values)
	})
	return cmd
}

func (a *asked) explain(cmd *cobra.Command, format string, verbose, values bool) error {
	e, err := a.source.Policy().Explain(context.WithoutCancel(cmd.Context()), a.input)
	if err != nil {
		return err
	}
	e.Verbose, e.ShowValues = verbose, values
	d := a.policy.Decide(cmd.Context(), a.input)
	if format == "json" {
		return writeJSON(cmd, map[string]any{"decision": d, "rego": e})
	}
	if d.Layer == policy.LayerAllowlist {
		if err := writeDecision(cmd.OutOrStdout(), &d); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "\nThe allowlist decided. The policies before it:")
	}
	return e.WriteText(cmd.OutOrStdout())
}
