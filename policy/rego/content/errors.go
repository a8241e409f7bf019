package content

import "errors"

// Errors of what is read, beside those of bundles.
var (
	// ErrNoPolicy: the paths hold no policy file.
	ErrNoPolicy = errors.New("no policy: no .rego file found")
	// ErrTooLarge: the policy files are over their limits.
	ErrTooLarge = errors.New("policy is too large")
)
