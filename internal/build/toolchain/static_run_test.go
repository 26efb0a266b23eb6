package toolchain

import (
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// everyPart calls what glibc 2.11 has in its static part, and fails if one of
// the functions doesn't do its work.
const everyPart = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
static int forked;
static void count(void) { forked++; }
static void leave(void) { _exit(forked == 2 ? 0 : 9); }
int main(int argc, char **argv) {
	struct stat a, b, c, d;
	struct stat64 e, f, g, h;
	int fd = open(argv[0], O_RDONLY), n;
	if (stat(argv[0], &a) || lstat(argv[0], &b) || fstat(fd, &c) || fstatat(AT_FDCWD, argv[0], &d, 0)) return 1;
	if (stat64(argv[0], &e) || lstat64(argv[0], &f) || fstat64(fd, &g) || fstatat64(AT_FDCWD, argv[0], &h, 0)) return 2;
	if (a.st_size < 1000 || a.st_size != d.st_size || b.st_ino != c.st_ino) return 3;
	if (e.st_size != a.st_size || f.st_ino != g.st_ino || h.st_size != e.st_size) return 4;
	if (mknod("pipe", S_IFIFO | 0600, 0) || mknodat(AT_FDCWD, "pipe2", S_IFIFO | 0600, 0)) return 5;
	if (stat("pipe", &a) || !S_ISFIFO(a.st_mode) || stat("pipe2", &a) || !S_ISFIFO(a.st_mode)) return 6;
	if (strtol("12", 0, 10) != 12 || strtoull("13", 0, 10) != 13 || sscanf("14", "%d", &n) != 1 || n != 14) return 7;
	if (fcntl(fd, F_GETFL) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_GETFD) != FD_CLOEXEC) return 8;
	if (pthread_atfork(count, count, count) || atexit(leave) || at_quick_exit(leave)) return 10;
	if (fork() == 0) _exit(0);
	return 11; /* leave turns it into 0 */
}`

func TestGccLinksWhatGlibcHasInItsStaticPart(t *testing.T) {
	tc, err := Pick(context.Background(), GCC, t.TempDir(), platform.All...)
	require.NoError(t, err)
	for _, p := range platform.All {
		for name, flags := range map[string][]string{"": nil, " with large files": {"-D_FILE_OFFSET_BITS=64"}} {
			t.Run(p.Name+name, func(t *testing.T) {
				dir := t.TempDir()
				source, program := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
				require.NoError(t, os.WriteFile(source, []byte(everyPart), 0o600))
				c := tc.Compilers[p]
				args := append(append(append([]string{}, c.CC[1:]...), flags...), "-pthread", "-o", program, source)
				out, err := exec.Command(c.CC[0], append(args, c.LinkFlags...)...).CombinedOutput()
				require.NoError(t, err, "%s", out)

				run := exec.Command(program)
				run.Dir = dir
				out, err = run.CombinedOutput()
				require.NoError(t, err, "%s", out)

				f, err := elf.Open(program)
				require.NoError(t, err)
				defer f.Close()
				imported, err := f.ImportedSymbols()
				require.NoError(t, err)
				for _, s := range imported {
					assert.NotContains(t, []string{"stat", "fstat", "atexit", "mknod", "fcntl64"}, s.Name)
				}
			})
		}
	}
}
