package bench

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// Measures of the plot in pixels.
const (
	panelWidth  = 430
	panelHeight = 190
	left, top   = 50, 40
	gapX, gapY  = 40, 60
	legend      = 30
)

// colours of the clients by the first word of their names, which differ by
// transport. The limit has none, as it is the line at 1.
var colours = map[string]string{
	"avir_clam": "#1b6ca8", "package": "#7fb5d6", "baruwa": "#e08e45", "dutchcoders": "#c94c4c", "clamdscan": "#8a8a8a",
}

func colour(client string) string {
	word, _, _ := strings.Cut(client, " ")
	if c, ok := colours[word]; ok {
		return c
	}
	return "#444444"
}

// plot draws how near each client comes to the limit: a panel for each
// transport and number of threads, a group for each file.
func plot(results []Result) string {
	names := map[string][]string{} // clients of each transport
	var threads []int
	var sizes []string
	value := map[string]float64{}
	key := func(transport, peer, file string, threads int) string {
		return fmt.Sprint(transport, "|", peer, "|", file, "|", threads)
	}
	for _, r := range results {
		value[key(r.Transport, r.Peer, r.File, r.Threads)] = r.OfLimit
		if !slices.Contains(threads, r.Threads) {
			threads = append(threads, r.Threads)
		}
		if !slices.Contains(sizes, r.File) {
			sizes = append(sizes, r.File)
		}
		if r.Peer != limitName && !slices.Contains(names[r.Transport], r.Peer) {
			names[r.Transport] = append(names[r.Transport], r.Peer)
		}
	}
	transports := []string{"TCP", "unix"}
	width := left + len(threads)*(panelWidth+gapX)
	height := top + len(transports)*(panelHeight+gapY+legend)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="18" font-size="14">Scans a second, as a share of what a C program reaches that does nothing else</text>`+"\n", left)
	for row, transport := range transports {
		y := top + row*(panelHeight+gapY+legend)
		for i, name := range names[transport] {
			x := left + i*150
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
				x, y, colour(name), x+15, y+10, html.EscapeString(name))
		}
		for column, n := range threads {
			p := panel{&b, left + column*(panelWidth+gapX), y + legend}
			p.frame(transport + ", " + threadsText(n))
			for i, size := range sizes {
				var bars []bar
				for _, name := range names[transport] {
					bars = append(bars, bar{colour(name), value[key(transport, name, size, n)]})
				}
				p.group(size, i, len(sizes), bars)
			}
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// bar is one client's share.
type bar struct {
	colour string
	share  float64
}

// panel is one diagram with its upper left corner at x and y.
type panel struct {
	*strings.Builder
	x, y int
}

// highest is the share at the upper edge; noise can lift a client over 1.
const highest = 1.2

func (p panel) frame(title string) {
	for _, share := range []float64{0, 0.5, 0.9, 1} {
		y := float64(p.y) + panelHeight*(1-share/highest)
		fmt.Fprintf(p, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ccc"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n",
			p.x, p.x+panelWidth, y, y, p.x-5, y+4, share)
	}
	fmt.Fprintf(p, `<text x="%d" y="%d">%s</text>`+"\n", p.x, p.y-4, html.EscapeString(title))
}

// group draws the bars of one file, the index-th of n.
func (p panel) group(label string, index, n int, bars []bar) {
	width := float64(panelWidth) / float64(n)
	each := width * 0.8 / float64(len(bars))
	x := float64(p.x) + float64(index)*width + width*0.1
	for i, b := range bars {
		h := panelHeight * min(b.share, highest) / highest
		fmt.Fprintf(p, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n",
			x+float64(i)*each, float64(p.y)+panelHeight-h, each*0.95, h, b.colour)
	}
	fmt.Fprintf(p, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x+width*0.4, p.y+panelHeight+16, html.EscapeString(label))
}
