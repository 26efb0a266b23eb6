package packages

import (
	"path/filepath"
	"slices"

	"github.com/goreleaser/nfpm/v2/files"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// plugin is the recipe of one plugin for one product and platform.
func (b batch) plugin(productID, id string, of *platform.Platform) (*recipe, error) {
	product, plugin := b.data.Products[productID], b.data.Plugins[id]
	t, err := newTexts(b.data, b.opts.Version, product, id, of)
	if err != nil {
		return nil, err
	}
	r, err := b.recipe(PackageName(product, id), of, t)
	if err != nil {
		return nil, err
	}
	r.product = product
	description, err := t.fill(plugin.Library+"'s description", plugin.Description)
	if err != nil {
		return nil, err
	}
	r.about = About{plugin.Summary + " " + product.Name, string(description), product.Section, product.Group}
	library := filepath.Join(b.opts.Dist, of.Name, plugin.Library)
	deb, rpm, err := readNeeds(library, of)
	if err != nil {
		return nil, err
	}
	r.forDeb = relations{[]string{deb}, plugin.Suggests.Deb}
	r.forRPM = relations{slices.Concat(ScriptNeeds, rpm), plugin.Suggests.RPM}
	readme, err := r.fillIn("README", id, "README")
	if err != nil {
		return nil, err
	}
	doc := "/usr/share/doc/" + r.name
	r.add(file(library, product.Plugins+"/"+plugin.Library, files.TypeFile),
		only("deb", file(readme, doc+"/README", files.TypeFile)), file(readme, doc+"/README", files.TypeRPMDoc))
	r.folders(doc)
	return r, nil
}
