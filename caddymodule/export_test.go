package caddymodule

import "github.com/headgate/headgate/policy"

// SetWrapPolicy lets a test see what the policy is asked, from the next
// configuration on; it gives back how it was.
func SetWrapPolicy(f func(policy.Engine) policy.Engine) (restore func()) {
	old := wrapPolicy
	wrapPolicy = f
	return func() { wrapPolicy = old }
}
