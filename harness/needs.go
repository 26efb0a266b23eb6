package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/report"
)

// prepare checks what the tests need, so that its lack is one clear line and
// nothing has run yet.
func (o *options) prepare() error {
	if err := o.knownValues(); err != nil {
		return err
	}
	if o.run.Avserver != "" {
		if err := o.checkAvserver(); err != nil {
			return err
		}
	}
	for _, file := range []struct{ option, path string }{{"--junit", o.junit}, {"--json", o.json}} {
		if err := o.reportFits(file.option, file.path); err != nil {
			return err
		}
	}
	data, err := filepath.Abs(o.run.Data)
	if err != nil {
		return fmt.Errorf("the data folder %s: %w", o.run.Data, err)
	}
	if o.run.Data = data; o.test != "generate" {
		if o.platform, err = checkLibrary(o.run.Plugin); err != nil {
			return err
		}
		if err := o.findAvserver(o.platform); err != nil {
			return err
		}
		// dlopen takes a name without a slash for a library of the system.
		if o.run.Plugin, err = filepath.Abs(o.run.Plugin); err != nil {
			return fmt.Errorf("the plugin %s: %w", o.run.Plugin, err)
		}
	}
	// Last, because it makes the folder.
	if o.test == "generate" || o.test == "all" {
		return dataFits(o.run.Data)
	}
	return nil
}

// knownValues refuses what no host and no plugin could take.
func (o *options) knownValues() error {
	if o.command == "bench" && o.file == "" {
		return errors.New("bench needs --file FILE, the file to scan")
	}
	if v := o.run.KernelFloor; v != "" && !slices.Contains(host.KernelFloors, v) {
		return fmt.Errorf("--kernel-floor %s: unknown kernel version: use %s", v, strings.Join(host.KernelFloors, ", "))
	}
	if len(o.run.Settings) > host.MaxSettings {
		return fmt.Errorf("--set: %d options, %d is the most", len(o.run.Settings), host.MaxSettings)
	}
	if len(o.only) > 0 && o.test != "hostile" && o.test != "all" {
		return errors.New("--only chooses among the hostile checks: use it with run hostile or run all")
	}
	return hostile.Known(o.only)
}

// checkAvserver makes the path of the host program absolute, because exec would
// search PATH for a name without a slash, and makes sure that it can be executed.
func (o *options) checkAvserver() error {
	path, err := filepath.Abs(o.run.Avserver)
	if err != nil {
		return fmt.Errorf("the host program %s: %w", o.run.Avserver, err)
	}
	o.run.Avserver = path
	if err := regular(path); err != nil {
		return fmt.Errorf("the host program: %w; use --avserver", err)
	}
	const execute = 1 // X_OK
	if err := syscall.Access(path, execute); err != nil {
		return fmt.Errorf("the host program %s can't be executed: %w; use --avserver", path, err)
	}
	return nil
}

// findAvserver takes the host program of the plugin's platform: the one that was
// named, or that lies beside this program, or in the folder for the platform
// beside this program's folder, as in dist.
func (o *options) findAvserver(plugin *host.Platform) error {
	if o.run.Avserver != "" {
		// A script may wrap the host in a debugger or an emulator.
		f, err := host.OpenELF(o.run.Avserver)
		if err != nil {
			return nil
		}
		defer f.Close()
		p, err := host.PlatformOf(f)
		if err != nil {
			return fmt.Errorf("the host program %s can't be taken: %w; leave --avserver out, or name another", o.run.Avserver, err)
		}
		if p != plugin {
			return fmt.Errorf("the host program %s is for %s, the plugin %s for %s: leave --avserver out, or name another", o.run.Avserver, p.Words, o.run.Plugin, plugin.Words)
		}
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find avserver beside the harness: %w; use --avserver", err)
	}
	beside := filepath.Join(filepath.Dir(self), "avserver")
	sibling := filepath.Join(filepath.Dir(filepath.Dir(self)), plugin.Name, "avserver")
	var not []string
	for _, path := range slices.Compact([]string{beside, sibling}) {
		p, err := host.PlatformOfFile(path)
		if p == plugin {
			o.run.Avserver = path
			return o.checkAvserver()
		}
		why := "there is none"
		if p != nil {
			why = "it is for " + p.Words
		} else if !errors.Is(err, fs.ErrNotExist) {
			why = err.Error()
		}
		not = append(not, path+": "+why)
	}
	return fmt.Errorf("no host program for the plugin %s, which is for %s (%s): build it for that platform, or use --avserver", o.run.Plugin, plugin.Words, strings.Join(not, "; "))
}

// regular refuses what is no regular file: to open a FIFO waits for ever.
func regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file (%s)", path, info.Mode())
	}
	return err
}

// reportFits makes sure that a report can be written to path later; "" is for
// no report. Only a measurement can go to standard output ("-"): a run prints
// its progress and its table there.
func (o *options) reportFits(option, path string) error {
	measures := o.command == "footprint" || o.command == "bench"
	if path == "" || path == "-" && option == "--json" && measures {
		return nil
	}
	if path == "-" {
		return fmt.Errorf("%s -: standard output has the table of results: name a file", option)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s %s is a folder: name a file", option, path)
	}
	target, beside := report.Target(path)
	var err error
	if _, none := os.Stat(target); beside {
		err = writable(filepath.Dir(target))
	} else if none == nil {
		const write = 2 // W_OK; to open a pipe would wait for its reader
		err = syscall.Access(target, write)
	}
	if err != nil {
		return fmt.Errorf("%s %s can't be written: %w; name a file in a folder that exists and is writable", option, path, err)
	}
	return nil
}

// dataFits makes the folder of the samples.
func dataFits(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = writable(dir)
	}
	if err != nil {
		return fmt.Errorf("the samples can't be written: %w; choose another folder with --data", err)
	}
	return nil
}

// writable tries it: permissions don't tell of a read-only or a full system.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".harness-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// checkLibrary returns the platform of a plugin, and tells what a file is when
// it is no plugin.
func checkLibrary(path string) (*host.Platform, error) {
	if err := regular(path); err != nil {
		return nil, fmt.Errorf("the plugin: %w; name it with --plugin", err)
	}
	f, err := host.OpenELF(path)
	if err != nil {
		return nil, fmt.Errorf("the plugin %s is no ELF library: %w", path, err)
	}
	defer f.Close()
	platform, err := host.PlatformOf(f)
	if err != nil {
		return nil, fmt.Errorf("the plugin %s can't be loaded: %w; build it with GOARCH=386 or amd64, or with gcc -m32 or -m64", path, err)
	}
	if f.Type != elf.ET_DYN {
		return nil, fmt.Errorf("the plugin %s is no shared library (%s): build it with -buildmode=c-shared, or with gcc -shared", path, f.Type)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("the plugin %s: read its symbols: %w", path, err)
	}
	for _, s := range symbols {
		if s.Name == "get_plugin_extended_iface" && s.Section != elf.SHN_UNDEF {
			return platform, nil
		}
	}
	return nil, fmt.Errorf("the plugin %s does not export get_plugin_extended_iface", path)
}
