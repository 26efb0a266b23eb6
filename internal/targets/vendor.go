package targets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/newplugin"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// eachVendorPlugin builds the plugins in vendors' folders and calls f, if there is
// one, for each. What is already built keeps its toolchain if f only uses it.
func eachVendorPlugin(ctx context.Context, plugin, platforms *string, f func(root, folder string, m *build.Manifest) error) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	for _, folder := range repeated("plugin", plugin) {
		if strings.HasPrefix(folder, "~") && !run.Exists(folder) {
			return fmt.Errorf("-plugin=%s: the shell leaves a ~ there as it is: write $HOME, or the path of the folder", folder)
		}
		if folder == "" {
			return errors.New("-plugin= names no folder: write the path of the plugin's, such as -plugin=../mine")
		}
		if folder, err = filepath.Abs(folder); err != nil {
			return err
		}
		o := build.Options{Root: root, Plugin: folder, Toolchain: os.Getenv("AVIR_TOOLCHAIN"), Keep: f != nil}
		if o.Platforms, err = chosenPlatforms(platforms); err != nil {
			return err
		}
		m, err := build.Run(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		if f == nil {
			continue
		}
		if err := f(root, folder, m); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

// BuildVendor builds the plugins in vendors' folders, each into its dist.
func BuildVendor(ctx context.Context, plugin, platforms *string) error {
	return eachVendorPlugin(ctx, plugin, platforms, nil)
}

// AuditVendor prints what the audit says of the libraries of plugins in
// vendors' folders.
func AuditVendor(ctx context.Context, plugin *string) error {
	return eachVendorPlugin(ctx, plugin, nil, func(root, folder string, m *build.Manifest) error {
		var refused []error
		for _, library := range m.Libraries {
			refused = append(refused, Audit(ctx, filepath.Join(folder, "dist", library.Platform, library.Name+".so")))
		}
		return errors.Join(refused...)
	})
}

// PackageVendor makes the packages of plugins in vendors' folders.
func PackageVendor(ctx context.Context, plugin *string) error {
	return eachVendorPlugin(ctx, plugin, nil, func(root, folder string, m *build.Manifest) error {
		return packageFolder(ctx, root, folder, m.BuiltFor())
	})
}

// packageFolder makes the packages of what is built in a vendor's folder.
func packageFolder(ctx context.Context, root, folder string, platforms []*platform.Platform) error {
	scratch, err := os.MkdirTemp("", "avirkit-packaging-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	o, err := packages.ForVendor(ctx, root, folder, scratch)
	if err == nil {
		o.Platforms = platforms
		err = packages.Build(ctx, o)
	}
	if err != nil && strings.Contains(err.Error(), scratch) { // a copy of the vendor's file
		err = errors.New(strings.ReplaceAll(err.Error(), scratch, filepath.Join(folder, "packaging")))
	}
	return err
}

// TestVendor runs the own tests of plugins in vendors' folders, and the
// harness's on the library of each platform.
func TestVendor(ctx context.Context, plugin *string) error {
	return eachVendorPlugin(ctx, plugin, nil, func(root, folder string, m *build.Manifest) error {
		if run.Exists(filepath.Join(folder, "go.mod")) {
			env, err := build.TargetGo(ctx, root)
			if err != nil {
				return err
			}
			if _, err := (suite{module: folder, env: env}).run(ctx, ""); err != nil {
				return err
			}
		}
		// Most of the harness's time is waiting.
		failed := make([]error, len(m.Libraries))
		var runs sync.WaitGroup
		for i, library := range m.Libraries {
			runs.Go(func() { failed[i] = harnessVendor(ctx, filepath.Join(folder, "dist"), library) })
		}
		runs.Wait()
		return errors.Join(failed...)
	})
}

// harnessVendor runs the five tests of the harness on one library.
func harnessVendor(ctx context.Context, dist string, library build.Library) error {
	data, err := os.MkdirTemp("", "avirkit-samples-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	file := filepath.Join(dist, library.Platform, library.Name+".so")
	return run.Step(ctx, "harness on "+library.Platform+"/"+library.Name+".so", nil, func(ctx context.Context) (string, error) {
		out, err := run.Command{
			Name: filepath.Join(dist, library.Platform, "harness"),
			Args: []string{"run", "all", "--plugin", file, "--data", data, "--quick", "--wait", "1s"},
		}.Run(ctx)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		return lines[len(lines)-1], err
	})
}

// New writes a folder to begin a plugin in, and says how to go on.
func New(ctx context.Context, name, lang, dir *string) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	if name == nil {
		return errors.New("name the plugin: mage new -name=mine -lang=go -dir=../mine")
	}
	o := newplugin.Options{Root: root, Name: *name, Language: "go"}
	if lang != nil {
		o.Language = *lang
	}
	if dir != nil {
		o.Dir = *dir
	}
	if o.GoEnv, err = build.TargetGo(ctx, root); err != nil {
		return err
	}
	made, err := newplugin.Write(ctx, o)
	if err != nil {
		return err
	}
	run.Printf(`%[1]s is ready. It builds and passes the harness as it is:

	go tool mage build -plugin=%[1]s
	go tool mage test -plugin=%[1]s
	go tool mage package -plugin=%[1]s

Its README.md says where the engine goes; docs/vendor.md explains the rest.`, run.Quote(made))
	return nil
}
