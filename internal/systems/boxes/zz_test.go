package boxes
import ("testing";"os";"github.com/stretchr/testify/require")
func TestZZ(t *testing.T){ if os.Getenv("ZZ")=="" {t.Skip()}; require.NoError(t, MakeAll(t.Context(), "/work/wt/systems")) }
