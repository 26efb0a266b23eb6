package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// agentKey signs through gpg, whose agent asks for the passphrase itself.
type agentKey struct {
	ctx            context.Context
	entity         *openpgp.Entity
	at             time.Time
	passphraseFile string // empty: the agent knows the passphrase, or asks
}

var fingerprint = regexp.MustCompile(`^[0-9A-F]{16,40}$`)

// FromAgent finds the key with this id or fingerprint in the user's own key
// ring, and tries whether it signs. passphraseFile may hold its passphrase;
// without it the agent asks. ctx bounds every signature that is made with it.
func FromAgent(ctx context.Context, id, passphraseFile string, at time.Time) (*Keys, error) {
	id = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(id, " ", "")), "0X")
	if !fingerprint.MatchString(id) {
		return nil, fmt.Errorf("%s is %q: it must be a key's fingerprint, 40 hexadecimal digits, as gpg --list-secret-keys shows it", KeyIDVariable, id)
	}
	if _, err := exec.LookPath("gpg"); err != nil {
		if err := hostdeps.Need(ctx, "gnupg"); err != nil {
			return nil, err
		}
	}
	public, err := gpg(ctx, nil, "--export", id)
	if err != nil {
		return nil, err
	}
	if len(public) == 0 {
		return nil, fmt.Errorf("gpg knows no key %s: look at gpg --list-secret-keys", id)
	}
	entity, err := readKey(public)
	if err == nil {
		err = suitable(entity, time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", id, err)
	}
	k := &agentKey{ctx: ctx, entity: entity, at: timeOf(entity, at), passphraseFile: passphraseFile}
	// A key that fails is to fail now, and not at the end of a build.
	_, err = k.Detach([]byte("a trial"))
	return single(k), err
}

func (k *agentKey) Key() *openpgp.Entity { return k.entity }

func (k *agentKey) Detach(data []byte) ([]byte, error) { return k.sign(data, "--detach-sign") }

func (k *agentKey) Clearsign(text []byte) ([]byte, error) { return k.sign(text, "--clearsign") }

func (k *agentKey) sign(data []byte, mode string) ([]byte, error) {
	args := []string{
		"--no-options", // a comment or notation of the user's would change the bytes
		"--digest-algo", "SHA256",
		"--faked-system-time", fmt.Sprintf("%d!", k.at.Unix()),
		"--local-user", fingerprintOf(k.entity) + "!", // the primary key, not a subkey
	}
	if k.passphraseFile != "" {
		passphrase, err := readPassphrase(k.passphraseFile)
		if err != nil {
			return nil, err
		}
		// gpg reads its first line there, and then the data.
		args = append(args, "--pinentry-mode", "loopback", "--passphrase-fd", "0")
		data = slices.Concat(passphrase, []byte("\n"), data)
	}
	signature, err := gpg(k.ctx, data, append(args, mode)...)
	if err == nil && len(signature) == 0 {
		err = errors.New("gpg made no signature")
	}
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", fingerprintOf(k.entity), k.explain(err))
	}
	return signature, nil
}

// explain puts gpg's frequent complaints into words that say what to do.
func (k *agentKey) explain(err error) error {
	said := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case said("No secret key"):
		return fmt.Errorf("gpg has only the public half of the key: import the secret one, or name another key in %s", KeyIDVariable)
	case said("Inappropriate ioctl"), said("No pinentry"):
		return fmt.Errorf("gpg's agent can't ask for the passphrase here: run export GPG_TTY=$(tty), or put the passphrase into a file that only you can read, and its path into %s", PassphraseFileVariable)
	case said("Bad passphrase") && k.passphraseFile != "":
		return fmt.Errorf("the passphrase in %s does not open it", k.passphraseFile)
	}
	return err
}

func gpg(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	out, err := run.Command{
		Name:  "gpg",
		Args:  append([]string{"--batch", "--no-tty", "--quiet"}, args...),
		Stdin: bytes.NewReader(input),
		Env:   []string{"LC_ALL=C"},
	}.Run(ctx)
	return []byte(out), err
}
