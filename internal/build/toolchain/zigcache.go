package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// zigCache is the folder below the project's cache where zig keeps what it
// compiled: a folder for each job, as compilers that run side by side race in
// one, and one for each platform with what every job needs.
func zigCache(cache, job string) string { return filepath.Join(cache, "zig-runtime", job) }

// zigEnv lets zig keep what it compiles in a folder.
func zigEnv(dir, lib string) []string {
	return []string{"ZIG_GLOBAL_CACHE_DIR=" + dir, "ZIG_LOCAL_CACHE_DIR=" + dir, "ZIG_LIB_DIR=" + lib}
}

// Prepare compiles what every job for a platform needs: zig makes its C
// library and runtime from source, which takes longer than most jobs. It does
// nothing for gcc, or when that is done.
func (t *Toolchain) Prepare(ctx context.Context, p *platform.Platform) error {
	if t.Name != Zig {
		return nil
	}
	dir := zigCache(t.cache, p.Name)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	return run.Step(ctx, "zig's runtime for "+p.Name, nil, func(ctx context.Context) (string, error) {
		return "", atomicdir.Replace(dir, func(tmp string) error {
			cc := t.Compilers[p].CC
			// As plugins are linked, and as the host is.
			for _, flags := range []string{"-O2 -g -shared -fPIC", "-O2 -s -pthread -fPIE -pie"} {
				args := append(append(cc[1:len(cc):len(cc)], strings.Fields(flags)...), "-x", "c", "-o", filepath.Join(tmp, "out"), "-")
				_, err := run.Command{
					Name: cc[0], Args: args, Env: zigEnv(tmp, t.zigLib), Unset: Ambient, Stdin: strings.NewReader("int main(void) { return 0; }\n"),
				}.Run(ctx)
				if err != nil {
					return err
				}
			}
			return stripRuntime(ctx, tmp)
		})
	})
}

// cxxMark is a file in a cache that holds zig's C++ library.
const cxxMark = "c++"

// prepareCXX gives a job's cache zig's C++ library, which takes minutes to
// compile: once for each platform.
func (t *Toolchain) prepareCXX(ctx context.Context, p *platform.Platform, job string) error {
	t.preparing.Lock()
	defer t.preparing.Unlock()
	prepared, dir := zigCache(t.cache, p.Name+"-c++"), zigCache(t.cache, p.Name+"-"+job)
	if _, err := os.Stat(prepared); err != nil {
		err := run.Step(ctx, "zig's C++ library for "+p.Name, nil, func(ctx context.Context) (string, error) {
			return "", atomicdir.Replace(prepared, func(tmp string) error {
				_ = os.CopyFS(tmp, os.DirFS(zigCache(t.cache, p.Name))) // without it zig makes that, too
				cxx := t.Compilers[p].CXX
				object := filepath.Join(tmp, "out.o")
				// As plugins are: what is compiled has flags that the link does not have.
				for _, flags := range []string{"-O2 -g -fPIC -pthread -x c++ -c -o " + object + " -", "-shared -pthread -o " + filepath.Join(tmp, "out") + " " + object} {
					_, err := run.Command{
						Name: cxx[0], Args: append(cxx[1:len(cxx):len(cxx)], strings.Fields(flags)...), Env: zigEnv(tmp, t.zigLib), Unset: Ambient,
						Stdin: strings.NewReader("#include <string>\nint main() { throw std::string(); }\n"),
					}.Run(ctx)
					if err != nil {
						return err
					}
				}
				if err := stripRuntime(ctx, tmp); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(tmp, cxxMark), nil, 0o644)
			})
		})
		if err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, cxxMark)); err == nil {
		return nil
	}
	return atomicdir.Replace(dir, func(tmp string) error { return os.CopyFS(tmp, os.DirFS(prepared)) })
}

// stripRuntime removes the debug information of zig's own objects: it tells
// where zig lies and in which folder this process runs, and the build id of
// whatever is linked with them would depend on that. The archives are made
// anew, because objcopy takes the paths that zig gives their members (P) for
// places.
func stripRuntime(ctx context.Context, cache string) error {
	tool := func(name string, args ...string) (string, error) {
		return run.Command{Name: name, Args: args, Unset: Ambient}.Run(ctx)
	}
	archives, err := filepath.Glob(filepath.Join(cache, "o", "*", "*.a"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		list, err := tool("ar", "t", archive)
		if err != nil {
			return err
		}
		var objects []string
		for i, member := range strings.Split(strings.TrimSpace(list), "\n") {
			object := fmt.Sprintf("%s.%d.o", archive, i)
			content, err := tool("ar", "pP", archive, member)
			if err == nil {
				err = os.WriteFile(object, []byte(content), 0o644)
			}
			if err == nil {
				_, err = tool("objcopy", "--strip-debug", object)
			}
			if err != nil {
				return err
			}
			objects = append(objects, object)
		}
		if err := os.Remove(archive); err != nil {
			return err
		}
		if _, err := tool("ar", append([]string{"rcsD", archive}, objects...)...); err != nil {
			return err
		}
		for _, object := range objects {
			os.Remove(object)
		}
	}
	objects, err := filepath.Glob(filepath.Join(cache, "o", "*", "*.o"))
	for _, object := range objects {
		if _, err := tool("objcopy", "--strip-debug", object); err != nil {
			return err
		}
	}
	return err
}

// beginCache lets the cache of a job for a platform begin as a copy of what
// Prepare made.
func (t *Toolchain) beginCache(p *platform.Platform, job string) error {
	dir, prepared := zigCache(t.cache, p.Name+"-"+job), zigCache(t.cache, p.Name)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(prepared); errors.Is(err, fs.ErrNotExist) {
		return nil // zig makes it all in the job's own cache
	}
	return atomicdir.Replace(dir, func(tmp string) error { return os.CopyFS(tmp, os.DirFS(prepared)) })
}
