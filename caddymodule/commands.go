package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego"
	"github.com/headgate/headgate/policy/schema"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "policy",
		Short: "Checks, tests, tries and explains policies, without a running gate",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(checkCommand(), testCommand(), evalCommand(), explainCommand(), schemaCommand())
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		},
	})
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:      "redact",
		Usage:     redactUsage,
		Short:     "Redacts files or standard input, to try what is found",
		Long:      redactLong,
		CobraFunc: setUpRedact,
	})
}

// Exit codes of our commands.
const (
	exitFault = 1 // a fault in policies or inputs; of policy commands in arguments, too
	exitTests = 2 // of policy test: a test failed, or too little was covered
	exitUsage = 2 // of redact: the command cannot be meant as it was written
)

// errExit makes Caddy's command end with exitFault; what is wrong has been said.
var errExit = errors.New("failed")

// runs makes a command of a function that gives an exit code. An error is said
// once, in a line of its own.
func runs(f func(cmd *cobra.Command, args []string) (code int, err error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		code, err := f(cmd, args)
		if err != nil {
			cmd.PrintErrln(err)
			code = max(code, exitFault)
		}
		return exit(cmd, code)
	}
}

// exit is the error with which a command ends with code.
func exit(cmd *cobra.Command, code int) error {
	switch code {
	case 0:
		return nil
	case exitFault:
		return errExit
	}
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}

// policyFlags are what the policy commands share. They are named as the words
// of the policy block.
type policyFlags struct {
	config, adapter             string
	packages, data              []string
	builtins, allowNet, allowed []string
	timeout                     time.Duration
	format                      string
}

func (f *policyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "take the policies from this configuration instead of arguments")
	flags.StringVarP(&f.adapter, "adapter", "a", "", "the configuration's adapter; caddyfile for a file of that name")
	flags.StringSliceVar(&f.packages, "package", nil, "the packages of the rule sets, in place of headgate and tako.policy")
	flags.StringSliceVar(&f.data, "data", nil, "JSON or YAML documents that become data")
	flags.StringSliceVar(&f.builtins, "builtins", nil, "built-in functions to give back, such as http.send")
	flags.StringSliceVar(&f.allowNet, "allow-net", nil, "hosts that built-in functions may reach")
	flags.StringSliceVar(&f.allowed, "default-allow", nil, "stages that pass where nothing covers them")
	flags.DurationVar(&f.timeout, "timeout", 0, "of one evaluation (default 100ms)")
	f.addFormat(cmd, "text or json")
}

func (f *policyFlags) addFormat(cmd *cobra.Command, usage string) {
	cmd.Flags().StringVarP(&f.format, "format", "f", "text", usage)
}

// formats refuses a format that a command does not have.
func (f *policyFlags) formats(known ...string) error {
	if slices.Contains(known, f.format) {
		return nil
	}
	return fmt.Errorf("--format must be %s, not %q", either(known), f.format)
}

// policyConfig is the configuration of a policy by flags and arguments.
func (f *policyFlags) policyConfig(paths []string) (*PolicyConfig, error) {
	p := &PolicyConfig{Paths: paths, Packages: f.packages, Data: f.data, AllowNet: f.allowNet}
	for _, b := range f.builtins {
		p.Builtins = append(p.Builtins, strings.TrimPrefix(b, "+"))
	}
	if len(f.allowed) > 0 {
		p.DefaultDecision = []DefaultDecisionConfig{{Decision: "allow", Stages: f.allowed}}
	}
	if len(paths) == 0 {
		return nil, errors.New("name a policy's file or directory, or a configuration with --config")
	}
	return p, p.validate()
}

// open opens the one policy that flags and arguments, or a configuration, name.
// The allowlist is the configuration's.
func (f *policyFlags) open(ctx context.Context, paths []string) (*rego.Source, *Config, error) {
	c := &Config{}
	if f.config != "" {
		if len(paths) > 0 {
			return nil, nil, errors.New("with --config the policies are the configuration's; leave out the arguments")
		}
		found, err := configured(f.config, f.adapter)
		if err != nil {
			return nil, nil, err
		}
		c = found
	} else {
		var err error
		if c.Policy, err = f.policyConfig(paths); err != nil {
			return nil, nil, err
		}
	}
	rc, err := c.Policy.rego(nil)
	if err != nil {
		return nil, nil, err
	}
	if f.timeout > 0 {
		rc.Timeout = f.timeout
	}
	source, err := rego.Open(ctx, rc)
	return source, c, err
}

// readInput reads a file, or standard input for "-".
func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(name)
}

func writeJSON(cmd *cobra.Command, v any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// schemaCommand is `headgate policy schema`.
func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [<stage>]",
		Short: "Prints the JSON Schema of a stage's input, or of the input of all stages",
		Args:  cobra.MaximumNArgs(1),
		RunE: runs(func(cmd *cobra.Command, args []string) (int, error) {
			text := schema.Input()
			if len(args) == 1 {
				var ok bool
				if text, ok = schema.For(args[0]); !ok {
					return 0, stages.check(args[0])
				}
			}
			_, err := cmd.OutOrStdout().Write(text)
			return 0, err
		}),
	}
}

// stageNamed checks the name of a stage; "" is none.
func stageNamed(name string) (policy.Stage, error) {
	return policy.Stage(name), stages.checkOptional(name)
}
