package rego

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/policy"
	"github.com/headgate/headgate/policy/rego/content"
)

// Defaults of [Config].
const (
	DefaultTimeout  = 100 * time.Millisecond
	DefaultMaxInput = 32 << 20
)

// Config says where the policy is and how it is evaluated.
type Config struct {
	// Paths are files, directories, OPA bundles (.tar.gz) and the URLs of
	// bundle servers. A directory is searched recursively for .rego files;
	// _test.rego files and hidden names are left out. None needs
	// [Config.Inline].
	Paths []string
	// Inline lets the source do without paths: its policy is then what
	// [Source.SetInline] is given, and until then covers nothing.
	Inline bool
	// Data are JSON and YAML documents that are merged into data at its root.
	Data []string
	// Bundles says how bundles are fetched and verified.
	Bundles content.Servers
	// Packages hold the rule sets; none means [DefaultPackages].
	Packages []string
	// DefaultAllow lists the stages that pass where nothing covers them
	// (pre_chat, pre_tool, session; the post stages always pass).
	DefaultAllow map[policy.Stage]bool
	// Timeout bounds a decision; 0 is [DefaultTimeout]. It is soft, see the
	// package's comment.
	Timeout time.Duration
	// MaxInput bounds, in bytes, the content that a policy reads in one
	// decision; 0 is [DefaultMaxInput].
	MaxInput int
	// Builtins names built-in functions to give back of those that are
	// withheld ("http.send", or "+http.send").
	Builtins []string
	// AllowNet lists the hosts, without ports, that built-in functions may
	// reach. Empty: none.
	AllowNet []string
	// Logger takes the load-time table, warnings and reloads; nil is silent.
	Logger *slog.Logger
	// OnReload is called after every attempt to load a change, with the status
	// after it. It must not call the source's Reload.
	OnReload func(Status)
}

// settings are the parts of the configuration that a compiled policy holds.
type settings struct {
	packages     []string
	builtins     []string
	allowNet     []string
	defaultAllow map[policy.Stage]bool
	timeout      time.Duration
	maxInput     int
}

// key identifies settings and sources in the process-wide cache.
func (s settings) key(sum string) string {
	var allow []policy.Stage
	for _, st := range policy.Stages() {
		if s.defaultAllow[st] {
			allow = append(allow, st)
		}
	}
	return fmt.Sprintf("%s %q %q %q %q %d %d", sum, s.packages, s.builtins, s.allowNet, allow, s.timeout, s.maxInput)
}

// settings checks the configuration and fills in what it leaves open.
func (c *Config) settings() (settings, error) {
	s := settings{
		packages:     slices.Clone(c.Packages),
		builtins:     sortedNames(c.Builtins),
		allowNet:     slices.Sorted(slices.Values(c.AllowNet)),
		defaultAllow: maps.Clone(c.DefaultAllow),
		timeout:      c.Timeout,
		maxInput:     c.MaxInput,
	}
	if len(s.packages) == 0 {
		s.packages = DefaultPackages
	}
	if s.timeout == 0 {
		s.timeout = DefaultTimeout
	}
	if s.maxInput == 0 {
		s.maxInput = DefaultMaxInput
	}
	switch {
	case len(c.Paths) == 0 && !c.Inline:
		return s, ErrNoPolicy
	case s.timeout < 0:
		return s, errors.New("policy timeout is negative")
	case s.maxInput < 0:
		return s, errors.New("policy input limit is negative")
	case c.Bundles.Poll < 0:
		return s, errors.New("the interval of asking a bundle server is negative")
	}
	for st := range c.DefaultAllow {
		if !slices.Contains(policy.Stages(), st) {
			return s, fmt.Errorf("unknown stage %q", st)
		}
	}
	return s, s.checkNet()
}

// checkNet checks that built-in functions that reach the network have hosts,
// and that hosts are names: a port or a URL would never match.
func (s *settings) checkNet() error {
	for _, h := range s.allowNet {
		if h == "" || strings.ContainsAny(h, "/ *") || strings.Count(h, ":") == 1 {
			return fmt.Errorf("allow_net: %q is no host; write its name or address alone, without scheme, port or wildcard", h)
		}
	}
	if slices.Contains(s.builtins, "http.send") && len(s.allowNet) == 0 {
		return errors.New("http.send reaches no host: name the hosts with allow_net")
	}
	return nil
}

func sortedNames(list []string) []string {
	names := make([]string, 0, len(list))
	for _, n := range list {
		names = append(names, strings.TrimPrefix(n, "+"))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// remotes are the bundle servers among the paths.
func (c *Config) remotes() []*content.Remote {
	var out []*content.Remote
	for _, p := range c.Paths {
		if content.IsRemote(p) {
			out = append(out, content.NewRemote(p, c.Bundles))
		}
	}
	return out
}

// local are the paths that are no servers.
func (c *Config) local() []string {
	return slices.DeleteFunc(slices.Clone(c.Paths), content.IsRemote)
}
