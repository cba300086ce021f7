package lint

import (
	"embed"
	"fmt"
)

//go:embed pages/*.md
var pages embed.FS

// Page is the documentation of the rule, in Markdown.
func (r Rule) Page() string {
	text, err := pages.ReadFile("pages/" + r.ID + ".md")
	if err != nil {
		return fmt.Sprintf("# %s\n\n%s\n", r.ID, r.Title)
	}
	return string(text)
}
