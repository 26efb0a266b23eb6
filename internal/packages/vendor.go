package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// ForVendor returns the options for the packages of a plugin in a vendor's own
// folder, which was built into its dist. The data is put together in scratch:
// products and scripts from the checkout at root, everything else from the
// folder's packaging.
func ForVendor(ctx context.Context, root, folder, scratch string) (o Options, err error) {
	o = Options{PluginsOnly: true, Data: scratch, Dist: filepath.Join(folder, "dist"), Out: filepath.Join(folder, "dist", "packages")}
	if o.Version, err = FindVersion(ctx, folder); err != nil {
		return o, err
	}
	ours, theirs := filepath.Join(root, "packaging"), filepath.Join(folder, "packaging")
	if _, err := os.Stat(theirs); errors.Is(err, os.ErrNotExist) {
		return o, fmt.Errorf("%s has no folder packaging, which says what the packages are: mage new makes one to copy", folder)
	}
	newest, err := newestEntry(theirs)
	if err != nil {
		return o, err
	}
	if strings.TrimPrefix(newest.Version, "v") != o.Version.String() {
		return o, fmt.Errorf("%s says %s, and the newest entry of %s is of %s: both must be of one version", filepath.Join(folder, "VERSION"), o.Version, filepath.Join(theirs, "changelog.yml"), newest.Version)
	}
	// Where there is no commit yet, the newest entry has a date.
	if o.Epoch, err = FindEpoch(ctx, folder); errors.Is(err, errNoCheckout) {
		o.Epoch, err = newest.Date, nil
	}
	if err != nil {
		return o, err
	}
	if o.Signer, err = signing.FromEnvironment(ctx, o.Epoch); err != nil {
		return o, err
	}
	if err := os.CopyFS(scratch, os.DirFS(theirs)); err != nil {
		return o, fmt.Errorf("copy the packages' data: %w", err)
	}
	if err := mergeData(ours, theirs, scratch); err != nil {
		return o, err
	}
	shared, err := filepath.Glob(filepath.Join(ours, "*.sh"))
	if err != nil {
		return o, err
	}
	for _, path := range shared {
		if err := atomicdir.CopyFile(filepath.Join(scratch, filepath.Base(path)), path, 0o644); err != nil {
			return o, err
		}
	}
	for _, format := range []string{"deb", "rpm"} {
		to := filepath.Join(scratch, format)
		if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(filepath.Join(ours, format)))); err != nil {
			return o, fmt.Errorf("copy the packages' scripts: %w", err)
		}
	}
	return o, nil
}

// newestEntry returns what a vendor's changelog says of the newest version.
func newestEntry(packaging string) (ChangelogEntry, error) {
	history, err := LoadChangelog(packaging)
	if err == nil && len(history) == 0 {
		err = fmt.Errorf("%s has no entry", filepath.Join(packaging, "changelog.yml"))
	}
	if err != nil {
		return ChangelogEntry{}, err
	}
	return history[0], nil
}

// mergeData writes the packages.yml of a vendor's packages: what it says
// itself, and our products.
func mergeData(ours, theirs, to string) error {
	var mine, vendors Data
	if err := decode(filepath.Join(ours, "packages.yml"), &mine); err != nil {
		return err
	}
	file := filepath.Join(theirs, "packages.yml")
	if err := decode(file, &vendors); err != nil {
		return err
	}
	if slices.Contains([]string{vendors.Vendor, vendors.Maintainer, vendors.Homepage, vendors.License}, "") {
		return fmt.Errorf("%s must name vendor, maintainer, homepage and license", file)
	}
	if vendors.Products == nil {
		vendors.Products = mine.Products
	}
	data, err := yaml.Marshal(vendors)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "packages.yml"), data, 0o644)
}
