package caddymodule

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/headgate/headgate/policy/rego"
)

// testCommand is `headgate policy test`.
func testCommand() *cobra.Command {
	var flags policyFlags
	var c rego.TestConfig
	var verbose bool
	cmd := &cobra.Command{
		Use:   "test <file-or-directory>...",
		Short: "Runs the Rego unit tests of policies",
		Long: `Runs the rules named test_… of policies and of the _test.rego files beside them.
Rego v0 and v1 live side by side, as in a gate. The exit code is 2 where a test
fails, or less is covered than --threshold.`,
		Example: "  headgate policy test policies/ --coverage\n  headgate policy test policies/ --run shell --format junit",
		Args:    cobra.MinimumNArgs(1),
		RunE: runs(func(cmd *cobra.Command, args []string) (int, error) {
			if err := flags.formats("text", "json", "junit"); err != nil {
				return 0, err
			}
			if c.Threshold < 0 || c.Threshold > 100 {
				return 0, errors.New("--threshold is a percentage, 0 to 100")
			}
			c.Paths = args
			report, err := rego.RunTests(cmd.Context(), c)
			if err != nil {
				return 0, err
			}
			code := 0
			if !report.OK() {
				code = exitTests
			}
			switch flags.format {
			case "json":
				return code, writeJSON(cmd, report)
			case "junit":
				return code, report.WriteJUnit(cmd.OutOrStdout())
			}
			return code, report.WriteText(cmd.OutOrStdout(), verbose)
		}),
	}
	f := cmd.Flags()
	f.StringVarP(&c.Run, "run", "r", "", "run only the tests whose full name matches this expression")
	f.StringSliceVar(&c.Data, "data", nil, "JSON or YAML documents that become data")
	f.StringSliceVar(&c.Packages, "package", nil, "the packages of the rule sets, in place of headgate and tako.policy")
	f.StringSliceVar(&c.Builtins, "builtins", nil, "built-in functions to give back, such as http.send")
	f.DurationVar(&c.Timeout, "timeout", 5*time.Second, "of one test")
	f.BoolVar(&c.Coverage, "coverage", false, "tell which lines the tests reach")
	f.Float64Var(&c.Threshold, "threshold", 0, "the coverage in percent that is wanted")
	f.BoolVarP(&verbose, "verbose", "v", false, "list the tests that pass, too")
	flags.addFormat(cmd, "text, json or junit")
	return cmd
}
