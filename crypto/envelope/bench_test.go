package envelope

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkEnvelope(b *testing.B) {
	c := newCipher(b, nil)
	ec := map[string]string{"dept": "finance", "purpose": "payroll"}
	for _, size := range []int{32, 4096} {
		plaintext := make([]byte, size)
		blob, err := Seal(b.Context(), c, header, ec, plaintext)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("seal %d bytes", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Seal(b.Context(), c, header, ec, plaintext)
			}
		})
		b.Run(fmt.Sprintf("open %d bytes", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Open(b.Context(), c, blob, ec)
			}
		})
	}
}
