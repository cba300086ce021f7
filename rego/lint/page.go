package lint

import (
	"embed"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

//go:embed pages/*.md
var pages embed.FS

// Page is the documentation of the rule, in Markdown: what it finds, why that
// matters, a policy that has it and one that has not, and how to set a finding
// aside. Titles, severities and kinds are those of the table.
func (r Rule) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n- Severity: %s\n", r.ID, r.Title, r.Severity)
	fmt.Fprintf(&b, "- Looks at: %s\n- Found: %s\n", strings.Join(r.places(), ", "), r.found())
	if len(r.Also) > 0 {
		fmt.Fprintf(&b, "- Elsewhere: %s\n", strings.Join(r.Also, ", "))
	}
	fmt.Fprintf(&b, "\n%s\n## How to suppress\n\n", r.body())
	if r.ID == policy.CodeSyntax {
		b.WriteString("It cannot be set aside: nothing else is known of such a policy.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "An entry in `.keyreeve-lint.yaml` sets the rule aside, with a reason and a day on which it counts again:\n\n"+
		"```yaml\nignore:\n  - rules: %s\n    files: policies/legacy/*.json\n    reason: replaced by the new key in March\n    expires: 2027-03-31\n```\n\n"+
		"`policies` and `sids` narrow an entry further. A baseline file sets aside all that is there today.\n", r.ID)
	return b.String()
}

// body is what the file of the page holds below its heading.
func (r Rule) body() string {
	text, err := pages.ReadFile("pages/" + r.ID + ".md")
	if err != nil {
		return ""
	}
	_, body, _ := strings.Cut(string(text), "\n\n")
	return body
}

// places are the kinds of policies that the rule looks at.
func (r Rule) places() []string {
	var names []string
	for _, k := range r.Kinds {
		names = append(names, k.String())
	}
	if r.Grants {
		names = append(names, "grants")
	}
	return names
}

func (r Rule) found() string {
	if r.ByMeaning {
		return "by meaning, with a request that shows it"
	}
	return "by the form of the document"
}

// An Example is one document of a page. Pages of rules by meaning may have
// several that belong together: the policy of one key, an identity policy of
// the role Payroll of account 111122223333, grants on that key, and so on.
type Example struct {
	// Kind of the document; zero for grants.
	Kind policy.Kind
	// Text, with the blanks that the page leaves out.
	Text string
	// Settings are what the page assumes besides, by name: "account",
	// "region", "known", "keyspec", "keyusage", "now" and "grantage" are in
	// Options as well; "version" is old or new, "caller", "forbid" and
	// "endpoints" are for rules by meaning.
	Settings map[string]string
	Options  Options
}

// Bad are the documents of the page that the rule finds something in.
func (r Rule) Bad() []Example { return examples(r.section("## Bad")) }

// Good are the documents of the page that the rule is silent about.
func (r Rule) Good() []Example { return examples(r.section("## Good")) }

func (r Rule) section(heading string) string {
	_, text, _ := strings.Cut(r.body(), heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}
