package lint

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// The names that stand in a policy and in a statement.
var (
	policyElements    = []string{"Version", "Id", "Statement"}
	statementElements = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	principalKeys     = []string{"AWS", "Service", "Federated", "CanonicalUser"}
)

// misspelling are the elements whose lack a fault tells of.
var misspelling = map[policy.Code][]string{
	policy.CodeMissingVersion: {"Version"}, policy.CodeMissingStatement: {"Statement"}, policy.CodeMissingEffect: {"Effect"},
	policy.CodeMissingAction: {"Action", "NotAction"}, policy.CodeMissingResource: {"Resource", "NotResource"},
	policy.CodeMissingPrincipal: {"Principal", "NotPrincipal"},
}

// misspelled tells whether what a fault misses is there under a wrong name, of
// which another fault tells.
func (c *checker) misspelled(e policy.Error) bool {
	p, ok := c.places[e.Pos.Offset]
	if !ok || misspelling[e.Code] == nil {
		return false
	}
	words := statementElements
	if p.node == c.tree {
		words = policyElements
	}
	return slices.ContainsFunc(p.node.Members, func(m policy.Member) bool {
		near, ok := nearest(m.Name, words)
		return ok && !slices.Contains(words, m.Name) && slices.Contains(misspelling[e.Code], near.word)
	})
}

var statementPath = regexp.MustCompile(`^\$\.Statement(\[[0-9]+\])?`)

// damage notes the statements of whose conditions not all could be read.
func (c *checker) damage(all policy.Errors) {
	c.damaged = map[string]bool{}
	for _, e := range all {
		path := statementPath.FindString(e.Pos.Path)
		if strings.HasPrefix(e.Pos.Path[len(path):], ".Condition") || e.Code == policy.CodeElement || e.Code == policy.CodeDuplicateKey {
			c.damaged[path] = true
		}
	}
}

// commaBefore finds a comma that stands before the closing brace or bracket at
// an offset.
func (c *checker) commaBefore(offset int) (int, bool) {
	offset = min(offset, len(c.text))
	before := strings.TrimRight(c.text[:offset], " \t\r\n")
	next := strings.TrimLeft(c.text[offset:], " \t\r\n")
	return len(before) - 1, strings.HasSuffix(before, ",") && (strings.HasPrefix(next, "}") || strings.HasPrefix(next, "]"))
}

// mendSyntax knows two common slips: a comma too many, a comma too few.
func (c *checker) mendSyntax(f *Finding, e policy.Error) {
	if at, ok := c.commaBefore(e.Pos.Offset); ok {
		f.Message += " The comma before it is one too many."
		f.mend("Remove the comma", Edit{Offset: at, Length: 1})
		return
	}
	before := strings.TrimRight(c.text[:min(e.Pos.Offset, len(c.text))], " \t\r\n")
	switch next := strings.TrimLeft(c.text[len(before):], " \t\r\n"); {
	case strings.Contains(e.Message, "where a comma") && (strings.HasPrefix(next, `"`) || strings.HasPrefix(next, "{")):
		f.mend("Insert a comma", Edit{Offset: len(before), Text: ","})
	}
}

// word is the string that starts at a place.
func (c *checker) word(at policy.Pos) string {
	p, ok := c.places[at.Offset]
	switch {
	case !ok:
		return ""
	case p.parent != nil && p.at < len(p.parent.Members) && p.parent.Members[p.at].Pos.Offset == at.Offset:
		return p.parent.Members[p.at].Name
	default:
		return p.node.Text
	}
}

func (c *checker) mendElement(f *Finding, e policy.Error) {
	words := statementElements
	if p, ok := c.places[e.Pos.Offset]; ok && p.parent == c.tree {
		words = policyElements
	}
	if near, ok := nearest(c.word(e.Pos), words); ok {
		c.guessed(f, e.Pos, near.word, near)
	}
}

func (c *checker) mendEffect(f *Finding, e policy.Error) {
	if near, ok := nearest(c.word(e.Pos), []string{"Allow", "Deny"}); ok {
		c.guessed(f, e.Pos, near.word, near)
	}
}

func (c *checker) mendVersion(f *Finding, e policy.Error) { c.meant(f, e.Pos, policy.Version2012) }

func (c *checker) mendMissingVersion(f *Finding, _ policy.Error) {
	if edit, ok := c.insertFirst(c.tree, `"Version": "`+policy.Version2012+`"`); ok {
		f.mend("Add the Version "+policy.Version2012, edit)
	}
}

var notAlnum = regexp.MustCompile(`[^A-Za-z0-9]`)

func (c *checker) mendSid(f *Finding, e policy.Error) {
	if sid := notAlnum.ReplaceAllString(c.word(e.Pos), ""); sid != "" {
		c.meant(f, e.Pos, sid)
	}
}

var accountNumber = regexp.MustCompile(`^[0-9]{1,12}$`)

// mendDataType puts an account id in quotes that was written as a number, and
// so lost its leading zeros.
func (c *checker) mendDataType(f *Finding, e policy.Error) {
	p, ok := c.places[e.Pos.Offset]
	if ok && p.node.Kind == policy.NumberNode && strings.Contains(e.Pos.Path, "Principal") && accountNumber.MatchString(p.node.Text) {
		c.meant(f, e.Pos, strings.Repeat("0", 12-len(p.node.Text))+p.node.Text)
	}
}

func (c *checker) mendPrincipalKey(f *Finding, e policy.Error) {
	if near, ok := nearest(c.word(e.Pos), principalKeys); ok {
		c.guessed(f, e.Pos, near.word, near)
	}
}

func (c *checker) mendServicePrincipal(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	low := strings.ToLower(text)
	switch {
	case low != text && strings.HasSuffix(low, ".amazonaws.com"):
		c.meant(f, e.Pos, low)
	case isService(low):
		c.meant(f, e.Pos, low+".amazonaws.com")
	}
}

// operatorNames are all operators with each suffix.
var operatorNames = func() []string {
	var names []string
	for _, o := range policy.Operators {
		names = append(names, o.Name)
		if o.Type != policy.PresenceType {
			names = append(names, o.Name+"IfExists")
		}
	}
	return names
}()

func (c *checker) mendOperator(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	set, name, found := strings.Cut(text, ":")
	if !found {
		set, name = "", text
	} else if near, ok := nearest(set, []string{"ForAnyValue", "ForAllValues"}); ok {
		set = near.word + ":"
	} else {
		return
	}
	if near, ok := nearest(name, operatorNames); ok {
		c.guessed(f, e.Pos, set+near.word, near)
	}
}

// mendKey finds the prefix that a condition key lacks.
func (c *checker) mendKey(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	for _, k := range policy.ConditionKeys {
		if _, name, _ := strings.Cut(k.Name, ":"); strings.EqualFold(name, text) {
			c.meant(f, e.Pos, k.Name)
			return
		}
	}
	if near, ok := nearest(strings.NewReplacer(".", ":", ";", ":").Replace(text), keyNames("")); ok && !strings.HasSuffix(near.word, "/") && !strings.HasSuffix(near.word, ":") {
		c.guessed(f, e.Pos, near.word, near)
	}
}

// plain are characters that word processors put in the place of ASCII.
var plain = map[rune]string{'–': "-", '—': "-", '‘': "'", '’': "'", '…': "...", '\u2011': "-", '\u200b': "", '\ufeff': ""}

// mendCharacter writes ASCII for what a word processor wrote, in all of the
// text.
func (c *checker) mendCharacter(f *Finding, e policy.Error) {
	fix := Fix{Title: "Write plain characters"}
	known := false
	for i, r := range c.text {
		if ascii, ok := plain[r]; ok {
			known = known || i == e.Pos.Offset
			fix.Edits = append(fix.Edits, Edit{Offset: i, Length: utf8.RuneLen(r), Text: ascii})
		}
	}
	if known {
		f.Fixes = append(f.Fixes, fix)
	}
}

func (c *checker) mendNull(f *Finding, e policy.Error) {
	if p, ok := c.places[e.Pos.Offset]; ok && p.parent != nil {
		if _, twice := p.parent.Member("Null"); !twice {
			c.meant(f, e.Pos, "Null")
		}
	}
}

// mendForAllValues takes the qualifier from the operator, unless that would
// name an operator twice.
func (c *checker) mendForAllValues(f *Finding, e policy.Error) {
	at, siblings := c.operatorAt(e.Pos)
	c.unqualify(f, at, siblings)
}

// operatorAt is the name of the operator above the condition key at a place.
func (c *checker) operatorAt(key policy.Pos) (at policy.Pos, siblings *policy.Node) {
	p, ok := c.places[key.Offset]
	if !ok || p.parent == nil {
		return policy.Pos{}, nil
	}
	block, ok := c.places[p.parent.Pos.Offset]
	if !ok || block.parent == nil || block.at >= len(block.parent.Members) {
		return policy.Pos{}, nil
	}
	return block.parent.Members[block.at].Pos, block.parent
}

func (c *checker) unqualify(f *Finding, at policy.Pos, siblings *policy.Node) {
	if siblings == nil {
		return
	}
	_, name, found := strings.Cut(c.word(at), ":")
	twice := slices.ContainsFunc(siblings.Members, func(m policy.Member) bool { return strings.EqualFold(m.Name, name) })
	if edit, ok := c.replace(at, quoted(name)); found && ok && !twice {
		f.Suggestion = name
		if strings.EqualFold(name, "Null") || !c.heldByMany(at) {
			f.mend("Remove the set qualifier", edit)
		}
	}
}

// heldByMany tells whether a key under the operator at a place has many
// values, and so needs its qualifier.
func (c *checker) heldByMany(operator policy.Pos) bool {
	return slices.ContainsFunc(c.places[operator.Offset].node.Members, func(m policy.Member) bool {
		row, ok := policy.ConditionKeyNamed(m.Name)
		return ok && row.Many
	})
}

func (c *checker) mendAction(f *Finding, e policy.Error) {
	if near, ok := nearest(strings.Replace(c.word(e.Pos), ".", ":", 1), actionNames); ok {
		c.guessed(f, e.Pos, near.word, near)
	}
}

func (c *checker) mendPartition(f *Finding, e policy.Error) {
	text := c.word(e.Pos)
	fields := strings.SplitN(text, ":", 3)
	if len(fields) == 3 {
		if near, ok := nearest(fields[1], policy.Partitions); ok {
			c.guessed(f, e.Pos, "arn:"+near.word+":"+fields[2], near)
		}
	}
}
