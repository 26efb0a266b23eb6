package clamdtest

import (
	"encoding/hex"
	"fmt"
)

// SignatureName is the name under which both the real and the fake clamd
// report EICAR, without the ".UNOFFICIAL" that the real one appends.
const SignatureName = "Eicar-Test-Signature"

// EICAR returns the 68 bytes of the standard antivirus test file. They are
// put together here because a file that holds them whole would be taken away
// by the antivirus of whoever checks this repository out.
func EICAR() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`)
}

// signature returns the line of a .ndb database that finds EICAR anywhere in
// a file of any type.
func signature() string {
	return fmt.Sprintf("%s:0:*:%s\n", SignatureName, hex.EncodeToString(EICAR()))
}
