// Package guide holds a counterpart of every policy that the KMS developer guide prints: the same meaning in our own words.
package guide

import (
	"embed"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

//go:embed *.json INDEX.tsv
var files embed.FS

// A Print is a place of the guide where a policy stands. Several may have the
// same counterpart.
type Print struct {
	// File of the counterpart: "13-valid-to.key.json", chapter and kind first
	// and last.
	File string
	// Chapter and Section are titles of the guide.
	Chapter, Section string
	// Mended says what was put right where the print is broken or no complete
	// policy; "-" for nothing.
	Mended string
}

// Prints lists INDEX.tsv in its order, which is that of the guide.
func Prints() ([]Print, error) {
	text, err := files.ReadFile("INDEX.tsv")
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	prints := make([]Print, 0, len(lines))
	for i, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("line %d of the index has %d fields", i+2, len(f))
		}
		prints = append(prints, Print{f[0], f[1], f[2], f[3]})
	}
	return prints, nil
}

// kinds of policies, as the names of their files end.
var kinds = map[string]policy.Kind{"key": policy.Key, "iam": policy.Identity, "vpce": policy.Endpoint, "trust": policy.Trust, "scp": policy.SCP}

// Read gives the counterpart in a file, and which kind of policy it is.
func Read(file string) (policy.Kind, []byte, error) {
	parts := strings.Split(file, ".")
	kind, ok := policy.Kind(0), false
	if len(parts) == 3 {
		kind, ok = kinds[parts[1]]
	}
	if !ok {
		return 0, nil, fmt.Errorf("the name %s tells no kind of policy", file)
	}
	text, err := files.ReadFile(file)
	if err != nil {
		return 0, nil, fmt.Errorf("reading a counterpart: %w", err)
	}
	return kind, text, nil
}
