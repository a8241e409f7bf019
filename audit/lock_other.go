//go:build !unix || solaris || aix

package audit

import (
	"errors"
	"fmt"
	"os"
)

// lock refuses: without a lock two writers would break each other's chain.
func lock(*os.File) error {
	return fmt.Errorf("no file lock on this system: %w", errors.ErrUnsupported)
}
