package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// shellBlocks are the commands of a document that a reader types.
var shellBlocks = regexp.MustCompile("(?s)```sh\n(.*?)```")

// firstContact says what is wrong with commands that bring the publisher's key:
// anybody on the way can change all that is downloaded before the key is
// compared.
func firstContact(commands string) (downloads int, wrong []string) {
	lines := strings.Split(strings.TrimSpace(commands), "\n")
	for i, line := range lines {
		words := strings.Fields(line)
		switch {
		case words == nil:
		case words[0] == "wget" || words[0] == "curl":
			downloads++
			file := words[2]
			if file != "avirkit.gpg" && file != "avirkit.asc" || words[len(words)-1] != "URL/"+file || strings.Contains(line, "|") {
				wrong = append(wrong, "downloads more than the key: "+line)
			}
			if i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "gpg ") || !strings.Contains(lines[i+1], file) || !strings.Contains(lines[i+1], "# compare") {
				wrong = append(wrong, "is not compared at once: "+line)
			}
		case regexp.MustCompile(`trusted=yes|gpgcheck=0|gpgkey=[^f]|apt-key|rpm --import|unauthenticated|insecure|nogpg|no-check`).MatchString(line):
			wrong = append(wrong, "trusts what was not compared: "+line)
		}
	}
	return downloads, wrong
}

func TestNothingIsTrustedBeforeTheKeyIsCompared(t *testing.T) {
	downloads := 0
	for _, block := range shellBlocks.FindAllStringSubmatch(read(t, "docs/administrator.md"), -1) {
		n, wrong := firstContact(block[1])
		downloads += n
		assert.Empty(t, wrong, block[1])
	}
	assert.Equal(t, 3, downloads, "Debian, old Debian and Red Hat")

	const good = "wget -O avirkit.gpg URL/avirkit.gpg\ngpg --with-fingerprint avirkit.gpg # compare\n"
	for _, bad := range []string{
		"wget -O avirkit.list URL/avirkit.list\n", good + "curl -o avirkit.repo URL/yum/avirkit.repo\n", "wget -O avirkit.gpg URL/avirkit.gpg | apt-key add -\n",
		"wget -O avirkit.gpg URL/avirkit.gpg\ninstall -m 644 avirkit.gpg /usr/share/keyrings/\n", good + "gpgcheck=0\n",
		good + "echo 'deb [trusted=yes] URL/apt stable main'\n", "rpm --import URL/avirkit.asc\n", good + "gpgkey=URL/avirkit.asc\n",
	} {
		_, wrong := firstContact(bad)
		assert.NotEmpty(t, wrong, bad)
	}
	_, wrong := firstContact(good)
	assert.Empty(t, wrong)
}
