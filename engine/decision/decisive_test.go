package decision

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDecisiveStatements(t *testing.T) {
	for _, c := range []struct {
		says  string
		asked Question
		want  []string
	}{
		{"a delegation and what it delegates to", ask(keySays(delegates, deny("*", "kms:Encrypt")), iamSays(allow("", "s3:*"), allow("", "kms:*"))),
			[]string{"resource 0", "identity 1"}},
		{"what lets an allow pass", ask(scpSays(allow("", "s3:*"), allow("", "*")), boundarySays(allow("", "kms:*")), keySays(allow("user/ann", "kms:*"))),
			[]string{"resource 0", "scp 1", "boundary 0"}},
		{"what denies, not what would have allowed", ask(scpSays(allow("", "*")), keySays(allow("user/ann", "kms:*"), deny("*", "kms:*"))), []string{"resource 1"}},
		{"nothing where an allow is missing", ask(scpSays(allow("", "*")), keySays(allow("user/ben", "kms:*"))), nil},
		{"nothing where a grant is enough", ask(granted(to(ViaUser, "AIDAANN"))), nil},
		{"an exempt layer is none", ask(by(logs), scpSays(deny("", "*")), keySays(allow("logs.amazonaws.com", "kms:*"))), []string{"resource 0"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			var got []string
			for _, d := range decided(t, c.asked).Decisive() {
				got = append(got, fmt.Sprintf("%s %d", d.Layer, d.Index))
			}
			assert.Equal(t, c.want, got)
		})
	}
	assert.Empty(t, Decision{}.Decisive())
}
