package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxStrangers bounds how many principals of a kind are made up.
const maxStrangers = 60

// A caste is a kind of principals, by what their ARNs look like.
type caste struct {
	service, kind string
	name          pattern // what follows the kind
}

var (
	plainName = join(literal("/"), some(word))
	pathName  = join(literal("/"), some(word), pattern{{class: pathWord, many: true}}, literal("/"), some(word))
)

var castes = []caste{
	{"iam", "root", nil}, {"iam", "user", plainName}, {"iam", "role", plainName}, {"iam", "user", pathName}, {"iam", "role", pathName},
	{"sts", "federated-user", join(literal("/"), times(word, 2), pattern{{class: word, many: true}})},
}

// arn is what the ARNs of a caste look like in an account.
func (k caste) arn(partition string, account, name pattern) pattern {
	return join(literal("arn:"+partition+":"+k.service+"::"), account, literal(":"+k.kind), name)
}

// federates tells whether conditions can tell federated users from others.
func federates(conditions map[string][]*condition) bool {
	asks := func(key string) bool { return len(conditions[key]) > 0 }
	return asks("aws:principaltype") || asks("aws:principalarn") || asks("aws:userid")
}

// identities are principals of accounts of a form, by ARN, that tell conditions
// on accounts, ARNs and names of callers apart. All are patterns on one ARN, so
// that also their combinations are met. The seeds
// stand for their combinations before others are looked for. It is false if they
// may not be all that there are.
func identities(partition string, account pattern, conditions map[string][]*condition, seeds []string) (arns []string, complete bool) {
	complete = true
	for _, k := range castes {
		switch {
		case k.kind == "federated-user" && !federates(conditions), len(k.name) == len(pathName) && len(conditions["aws:principalarn"]) == 0:
			continue
		}
		t := teller{partition: partition, caste: k, complete: true}
		t.tell(conditions)
		complete = complete && t.complete
		if len(t.told) == 0 {
			continue
		}
		texts, all := cells(t.told, k.arn(partition, account, k.name), seeds)
		complete = complete && all && len(texts) <= maxStrangers
		arns = append(arns, texts[:min(len(texts), maxStrangers)]...)
	}
	return arns, complete
}

// A teller gathers what tells the ARNs of a caste apart.
type teller struct {
	partition string
	caste     caste
	told      []pattern
	complete  bool
}

func (t *teller) tell(conditions map[string][]*condition) {
	rest := pattern{{class: anything, many: true}}
	inAccount := func(p pattern) []pattern { return []pattern{t.caste.arn(t.partition, p, rest)} }
	named := func(p pattern) []pattern { // names have no path, ARNs do
		p = slices.Clone(p)
		for i := range p {
			if p[i].class == anything {
				p[i].class = word
			}
		}
		if len(t.caste.name) == len(plainName) {
			return []pattern{t.caste.arn(t.partition, times(digit, 12), join(literal("/"), p))}
		}
		return []pattern{t.caste.arn(t.partition, times(digit, 12), join(literal("/"), rest, literal("/"), p))}
	}
	t.by(conditions["kms:calleraccount"], inAccount)
	t.by(conditions["aws:principalaccount"], inAccount)
	t.by(conditions["aws:principalarn"], func(p pattern) []pattern { return []pattern{p} })
	switch t.caste.kind {
	case "user":
		t.by(conditions["aws:username"], named)
	case "root": // whose id is that of the account
		t.by(conditions["aws:userid"], inAccount)
	case "federated-user":
		t.by(conditions["aws:userid"], func(p pattern) (all []pattern) {
			for _, x := range p.split() {
				all = append(all, t.caste.arn(t.partition, x[0], join(literal("/"), x[1])))
			}
			return all
		})
	}
}

// by adds what conditions tell apart, each operand as patterns on the ARN. A
// variable can be any text; one that the caller's own name must fit is not
// looked for.
func (t *teller) by(conditions []*condition, wrap func(pattern) []pattern) {
	for _, c := range conditions {
		switch {
		case c.op.Type == policy.PresenceType:
			continue
		case c.op.Type != policy.StringType && c.op.Type != policy.ARNType:
			t.complete = t.complete && c.key == "aws:principalarn" // which is no number, date or address
			continue
		}
		for _, v := range c.vars {
			t.complete = t.complete && info(v).source != fromCaller
		}
		for _, o := range c.operands {
			p, never := o.fixed, o.never
			if o.value.HasVariable() {
				t.complete = t.complete && (c.op.Type == policy.StringType || early(o.value) < 0)
				if p, never = c.loose(o.value, 1); !never { // what is there, and then what may be empty
					t.add(wrap(p))
				}
				p, never = c.loose(o.value, 0)
			}
			if !never {
				t.add(wrap(p))
			}
		}
	}
}

func (t *teller) add(patterns []pattern) {
	for _, told := range patterns {
		if !slices.ContainsFunc(t.told, func(p pattern) bool { return slices.Equal(p, told) }) {
			t.told = append(t.told, told)
		}
	}
}

// split is a pattern on texts with one colon as patterns on what stands before
// and after it: one pair for each place of the pattern that can take the colon.
func (p pattern) split() (pairs [][2]pattern) {
	colon := func(x place) bool { return x.class == exact && x.r == ':' }
	named := slices.ContainsFunc(p, colon)
	for i, x := range p {
		switch {
		case named && !colon(x), !x.takes(':'):
		case x.many:
			pairs = append(pairs, [2]pattern{p[:i+1], p[i:]})
		default:
			pairs = append(pairs, [2]pattern{p[:i], p[i+1:]})
		}
	}
	return pairs
}

// early is the place of a variable before the fifth colon, among the parts of
// an operand: what it holds may move the parts of an ARN. Negative: none.
func early(v policy.Value) int {
	colons := 0
	for i, part := range v.Parts {
		if part.Kind == policy.Variable && colons < 5 {
			return i
		}
		colons += strings.Count(part.Text, ":")
	}
	return -1
}

// loose is an operand with any text, of at least so many characters, for each of
// its variables; never, if it matches nothing.
func (c *condition) loose(v policy.Value, least int) (p pattern, never bool) {
	for _, part := range v.Parts {
		if part.Kind == policy.Variable {
			p = append(p, times(anything, least)...)
			p = append(p, place{class: anything, many: true})
			continue
		}
		q, _ := ofParts([]policy.Part{part}, nil)
		p = append(p, q...)
	}
	if c.op.FoldCase {
		p = p.folded()
	}
	if c.op.Type == policy.ARNType && early(v) < 0 {
		var ok bool
		p, ok = p.arn()
		return p, !ok
	}
	return p, false
}
