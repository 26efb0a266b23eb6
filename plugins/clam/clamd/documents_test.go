package clamd

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// pdfOf is a document whose one stream unpacks to the test virus and size
// bytes more.
func pdfOf(size int) []byte {
	var packed bytes.Buffer
	w, _ := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	_, _ = w.Write(testvirus.EICAR())
	_, _ = w.Write(bytes.Repeat([]byte("A"), size))
	_ = w.Close()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%%PDF-1.4\n1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n", packed.Len())
	b.Write(packed.Bytes())
	b.WriteString("\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")
	return b.Bytes()
}

// mailOf is a mail with two attachments, the second of which is the test
// virus.
func mailOf(t *testing.T, first []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("From: a@example.com\r\nTo: b@example.com\r\nSubject: test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=part\r\n\r\n")
	for i, content := range [][]byte{first, testvirus.EICAR()} {
		fmt.Fprintf(&b, "--part\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=file%d.bin\r\n\r\n", i)
		text := base64.StdEncoding.EncodeToString(content)
		for len(text) > 76 {
			b.WriteString(text[:76] + "\r\n")
			text = text[76:]
		}
		b.WriteString(text + "\r\n")
	}
	b.WriteString("--part--\r\n")
	return b.Bytes()
}
