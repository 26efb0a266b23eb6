package install

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/systems/session"
	"github.com/avirkit/avirkit/plugins/clam/realclamd"
)

// kit is what all systems are tested with: packages of three versions, their
// repositories on a web server of our own, and a clamd.
type kit struct {
	options Options
	dir     string
	epoch   time.Time
	signer  *signing.Keys
	data    *packages.Data

	old, current release // to upgrade from, and to test
	failing      release // newer than current; the script that runs before its files come fails
	foreign      release // current, signed by a stranger
	rotates      bool    // the repositories of a publisher who changes the key are made

	url    string // of the web server that serves dir
	server *http.Server
	clamd  *realclamd.Clamd
}

func newKit(ctx context.Context, o Options, s *session.Session) (k *kit, err error) {
	k = &kit{options: o}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	if k.dir, err = s.Folder("kit"); err != nil {
		return k, err
	}
	if k.epoch, err = packages.FindEpoch(ctx, o.Root); err != nil {
		return k, err
	}
	// Of the checkout's data, which somebody may edit meanwhile, only a copy is used.
	if err = os.CopyFS(k.dataDir(), os.DirFS(filepath.Join(o.Root, "packaging"))); err != nil {
		return k, fmt.Errorf("copy the packages' data: %w", err)
	}
	if err = k.addCXX(ctx); err != nil {
		return k, err
	}
	if k.data, err = packages.Load(k.dataDir()); err != nil {
		return k, err
	}
	if k.signer, err = k.newKey("key"); err != nil {
		return k, err
	}
	if err = k.buildAll(ctx); err != nil {
		return k, err
	}
	if err = k.serve(); err != nil {
		return k, err
	}
	if err = k.publish(ctx); err != nil {
		return k, err
	}
	k.clamd, err = realclamd.New(s.Short, nil)
	return k, err
}

func (k *kit) dataDir() string { return filepath.Join(k.dir, "data") }

func (k *kit) close() {
	if k.clamd != nil {
		_ = k.clamd.Stop()
	}
	if k.server != nil {
		_ = k.server.Close()
	}
}

// newKey makes a key of the length that users are asked for.
func (k *kit) newKey(name string) (*signing.Keys, error) {
	return signing.Throwaway(filepath.Join(k.dir, "keys", name+".gpg"), 4096, k.epoch)
}

// serve starts the web server of the repositories, on loopback.
func (k *kit) serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for apt and dnf: %w", err)
	}
	k.url = "http://" + l.Addr().String()
	k.server = &http.Server{Handler: http.FileServer(http.Dir(k.dir)), ReadHeaderTimeout: time.Minute}
	go func() { _ = k.server.Serve(l) }()
	return nil
}

// publish makes the good repository, which has two versions, and those that
// must be refused.
func (k *kit) publish(ctx context.Context) error {
	good := repo.Options{Packages: k.old.dir, Out: filepath.Join(k.dir, "good"), URL: k.url + "/good", Epoch: k.epoch, Signer: k.signer}
	if err := repo.Build(ctx, good); err != nil {
		return err
	}
	good.Packages, good.Published = k.current.dir, good.Out
	if err := repo.Build(ctx, good); err != nil {
		return err
	}
	stranger, err := k.newKey("stranger")
	if err != nil {
		return err
	}
	// A stranger's repository of packages that the stranger signed.
	k.foreign = release{version: k.current.version, dist: k.current.dist, dir: filepath.Join(k.dir, "foreign")}
	o := k.packageOptions(k.foreign, filepath.Join(k.dir, "old-data"))
	o.Signer, o.Keyring = stranger, stranger.Ring
	if err := packages.Build(ctx, o); err != nil {
		return err
	}
	foreign := good
	foreign.Packages, foreign.Published = k.foreign.dir, ""
	foreign.Out, foreign.URL, foreign.Signer = filepath.Join(k.dir, "stranger"), k.url+"/stranger", stranger
	if err := repo.Build(ctx, foreign); err != nil {
		return err
	}
	return k.tamper()
}
