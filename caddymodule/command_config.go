package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// configured finds what decides in a configuration file. It must be the same at
// all sites.
func configured(file, adapter string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if adapter == "" && (strings.HasPrefix(filepath.Base(file), "Caddyfile") || strings.HasSuffix(file, ".caddyfile")) {
		adapter = "caddyfile"
	}
	if adapter != "" {
		a := caddyconfig.GetAdapter(adapter)
		if a == nil {
			return nil, fmt.Errorf("there is no adapter %q", adapter)
		}
		if text, _, err = a.Adapt(text, map[string]any{"filename": file}); err != nil {
			return nil, err
		}
	}
	var whole struct {
		Apps map[string]json.RawMessage `json:"apps"`
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var global Config
	if raw, ok := whole.Apps[appName]; ok {
		if err := json.Unmarshal(raw, &global); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	var sites any
	if err := json.Unmarshal(whole.Apps["http"], &sites); err != nil {
		return nil, fmt.Errorf("%s: no site is configured", file)
	}
	all, err := handlers(sites)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return one(file, all, &global)
}

// handlers are the configurations of all headgate handlers in a JSON value.
func handlers(v any) ([]*Config, error) {
	var found []*Config
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			more, err := handlers(e)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
	case map[string]any:
		if v["handler"] == "headgate" || v["handler"] == "headgate_pdp" {
			raw, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			c := new(Config)
			if err := json.Unmarshal(raw, c); err != nil {
				return nil, err
			}
			return []*Config{c}, nil
		}
		for _, e := range v {
			more, err := handlers(e)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
	}
	return found, nil
}

// one is the configuration whose policy and allowlist all sites have.
func one(file string, all []*Config, global *Config) (*Config, error) {
	for _, c := range all {
		c.merge(global)
		if err := errors.Join(c.validate(), c.validateWhole()); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if !reflect.DeepEqual(c.Policy, all[0].Policy) || c.Allowlist != all[0].Allowlist {
			return nil, fmt.Errorf("%s: its sites have different policies; name the files instead", file)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no site has headgate", file)
	}
	return all[0], nil
}
