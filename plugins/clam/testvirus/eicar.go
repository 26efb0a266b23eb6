// Package testvirus makes the standard antivirus test file EICAR, and zip
// archives that hold it. The plugin tests clamd with them.
package testvirus

import "slices"

// SignatureName is the name under which the clamd of the tests, real or fake,
// reports EICAR. A real one appends ".UNOFFICIAL".
const SignatureName = "Eicar-Test-Signature"

// EICAR returns the 68 bytes of the test file. They stand here backwards:
// neither this source nor a program made from it may hold them as a whole,
// because an antivirus would take it away. Two halves in the right order are
// not enough, for the linker may put them side by side.
func EICAR() []byte {
	content := []byte(`*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\4[PA@%P!O5X`)
	slices.Reverse(content)
	return content
}
