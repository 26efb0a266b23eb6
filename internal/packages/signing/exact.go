package signing

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A signature does not sign its own armor, and the parser takes much there that
// gpg, apt and yum refuse: other words in the frame, a wrong checksum, a wrong
// length, text around all of it. So only what this package writes is good.

// exact makes sure that an armor is just what is written for these signatures.
func exact(armor, signatures []byte) error {
	packets := packet.NewOpaqueReader(bytes.NewReader(signatures))
	for {
		if _, err := packets.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return errors.New("the signature was changed: a length is wrong")
		}
	}
	again, err := armored(openpgp.SignatureType, signatures)
	if err == nil && !bytes.Equal(again, armor) {
		err = errors.New("the text around the signature was changed")
	}
	return err
}

// exactMessage makes sure that a signed message holds nothing but its head, the
// text, and the signatures.
func exactMessage(message, text, signatures []byte) error {
	at := bytes.LastIndex(message, []byte("-----BEGIN PGP SIGNATURE-----"))
	head, body, _ := strings.Cut(string(message[:max(at, 0)]), "\n\n")
	escaped := strings.ReplaceAll("\n"+string(text)+"\n", "\n-", "\n- -")[1:]
	if !strings.HasPrefix(head, "-----BEGIN PGP SIGNED MESSAGE-----\nHash: ") || strings.Count(head, "\n") != 1 ||
		body != escaped {
		return errors.New("the frame of the signed text was changed")
	}
	return exact(message[at:], signatures)
}
