package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/avirkit/avirkit/internal/run"
)

// agentKey signs through gpg, whose agent asks for the passphrase itself.
type agentKey struct {
	ctx    context.Context
	entity *openpgp.Entity
	at     time.Time
}

var fingerprint = regexp.MustCompile(`^[0-9A-F]{16,40}$`)

// FromAgent finds the key with this id or fingerprint in the user's own key
// ring. ctx bounds every signature that is made with it.
func FromAgent(ctx context.Context, id string, at time.Time) (Signer, error) {
	id = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(id, " ", "")), "0X")
	if !fingerprint.MatchString(id) {
		return nil, fmt.Errorf("%s is %q: it must be a key's fingerprint, 40 hexadecimal digits, as gpg --list-secret-keys shows it", KeyIDVariable, id)
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
	return &agentKey{ctx: ctx, entity: entity, at: timeOf(entity, at)}, nil
}

func (k *agentKey) Key() *openpgp.Entity { return k.entity }

func (k *agentKey) Detach(data []byte) ([]byte, error) { return k.sign(data, "--detach-sign") }

func (k *agentKey) Clearsign(text []byte) ([]byte, error) { return k.sign(text, "--clearsign") }

func (k *agentKey) sign(data []byte, how string) ([]byte, error) {
	signature, err := gpg(k.ctx, data,
		"--no-options", // a comment or notation of the user's would change the bytes
		"--digest-algo", "SHA256",
		"--faked-system-time", fmt.Sprintf("%d!", k.at.Unix()),
		"--local-user", Fingerprint(k)+"!", // the primary key, not a subkey
		how)
	if err == nil && len(signature) == 0 {
		err = errors.New("gpg made no signature")
	}
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", Fingerprint(k), err)
	}
	return signature, nil
}

func gpg(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	out, err := run.Command{
		Name:  "gpg",
		Args:  append([]string{"--batch", "--no-tty", "--quiet"}, args...),
		Stdin: bytes.NewReader(input),
		Hint:  "gpg is in the Debian package gnupg; its agent must be able to ask for the passphrase (gpg-preset-passphrase, or export GPG_TTY=$(tty))",
	}.Run(ctx)
	return []byte(out), err
}
