package lint

import (
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A wrongForm is a way in which principals are often written wrong.
type wrongForm struct {
	pattern *regexp.Regexp
	// says is the likely cause, for the message.
	says string
	// meant is what was meant, a template of the pattern's groups; empty where
	// nobody can tell.
	meant string
}

// wrongForms are asked in their order; the first that fits is told.
var wrongForms = []wrongForm{
	{regexp.MustCompile(`^\s*\[`), "It is a list inside a string; write the list without the quotes around it.", ""},
	{regexp.MustCompile(`,\s*arn:`), "It is several principals in one string; write a list.", ""},
	{regexp.MustCompile(`^arn:(aws[a-z-]*)::(\d{12}):((?:user|role)/.*|root)$`), "The service iam is missing.", "arn:$1:iam::$2:$3"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam:(\d{12}):((?:user|role)/.*|root)$`), "A colon is missing: the Region of the ARN is empty.", "arn:$1:iam::$2:$3"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):(user|role):(.+)$`), "A slash stands before the name.", "arn:$1:iam::$2:$3/$4"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12})$`), "It names an account and nobody in it.", "arn:$1:iam::$2:root"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):roles?/(.+)$`), "The type is role.", "arn:$1:iam::$2:role/$3"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):users?/(.+)$`), "The type is user.", "arn:$1:iam::$2:user/$3"},
	{regexp.MustCompile(`^arn:(aws[a-z-]*):iam::(\d{12}):assumed-role/(.+)$`), "Sessions are of sts.", "arn:$1:sts::$2:assumed-role/$3"},
	{regexp.MustCompile(`^arn:aws[a-z-]*:sts::\d{12}:assumed-role/[^/]+$`), "The name of the session is missing; to name all sessions, name the role in iam.", ""},
	{regexp.MustCompile(`^arn:aws[a-z-]*:iam:[a-z0-9-]+:`), "IAM has no Region; its place in the ARN is empty.", ""},
	{regexp.MustCompile(`:group/`), "Name the users, or a role that they assume.", ""},
	{regexp.MustCompile(`^(\d{4})-(\d{4})-(\d{4})$`), "An account id has digits only.", "$1$2$3"},
	{regexp.MustCompile(`^\d{1,11}$`), "An account id has twelve digits, leading zeros among them.", ""},
	{regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`), `A service stands under "Service".`, ""},
	{regexp.MustCompile(`^\s+|\s+$`), "It has white space around it.", ""},
}

// mendPrincipal tells the likely cause.
func (c *checker) mendPrincipal(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	for _, s := range wrongForms {
		m := s.pattern.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		f.Message += " " + s.says
		if word := string(s.pattern.ExpandString(nil, s.meant, text, m)); word != "" && word != text {
			c.meant(f, e.Pos, word)
		}
		return
	}
}

var named = regexp.MustCompile(`^arn:(aws[a-z-]*):(iam|sts)::(\d{12}):(.+)$`)

// mendWildcardPrincipal says how to name many principals.
func (c *checker) mendWildcardPrincipal(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	m := named.FindStringSubmatch(text)
	if m == nil {
		return
	}
	if strings.Trim(m[4], "*") == "" {
		c.meant(f, e.Pos, "arn:"+m[1]+":iam::"+m[3]+":root")
		return
	}
	f.Message += " Name the account, and the pattern under ArnLike with aws:PrincipalArn."
}
