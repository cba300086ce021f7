package policytests_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
)

// BenchmarkTenThousandCases decides 10,000 different lines of one world: the
// target is 2 s on two cores.
func BenchmarkTenThousandCases(b *testing.B) {
	var cases strings.Builder
	for i := range 10_000 {
		verdict, who := "allow", "user/bob"
		if i%2 == 1 {
			verdict, who = "deny", "user/eve@acme"
		}
		fmt.Fprintf(&cases, "%s %s kms:Decrypt key/payroll kms:EncryptionContext:n=%d because identity\n", verdict, who, i)
	}
	file := filepath.Join(b.TempDir(), "town.txtar")
	require.NoError(b, os.WriteFile(file, []byte(town+cases.String()), 0o600))
	b.ReportAllocs()
	for b.Loop() {
		report, err := policytests.Run(context.Background(), []string{file}, policytests.Options{Engine: engine})
		require.NoError(b, err)
		require.Empty(b, report.Failed())
		require.Len(b, report.Results, 10_000)
	}
}
