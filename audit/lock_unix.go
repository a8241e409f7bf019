//go:build unix && !solaris && !aix

package audit

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the file for this open descriptor (flock(2)). The kernel gives it
// back when the descriptor is closed or the process dies.
func lock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return fmt.Errorf("%w; give each gate its own file", ErrLocked)
		case err != nil:
			return fmt.Errorf("lock: %w", err)
		}
		return nil
	}
}
