package floor
import ("testing";"os";"github.com/stretchr/testify/require";"github.com/avirkit/avirkit/internal/build/platform")
func TestZZ(t *testing.T){ if os.Getenv("ZZ")=="" {t.Skip()}; require.NoError(t, Run(t.Context(), Options{Root:"/work/wt/systems",Platforms:platform.All})) }
