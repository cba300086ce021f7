package sts

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// A constraint is what the API reference says about a text.
type constraint struct {
	min, max int // characters
	pattern  *regexp.Regexp
	shown    string // the pattern as the service writes it
	required bool
	hidden   bool // the value stays out of messages
}

// Patterns in the service's spelling, which is Java's: \w is ASCII there as it
// is here, \uXXXX is \x{XXXX} here.
const (
	shownARN    = `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`
	shownName   = `[\w+=,.@-]*`
	shownPolicy = `[\u0009\u000A\u000D\u0020-\u00FF]+`
	shownTag    = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
)

var (
	arnPattern    = regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{7E}\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+$`)
	namePattern   = regexp.MustCompile(`^[\w+=,.@-]*$`)
	policyPattern = regexp.MustCompile(`^[\x{9}\x{A}\x{D}\x{20}-\x{FF}]+$`)
	tagPattern    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

var (
	roleARN          = constraint{min: 20, max: 2048, pattern: arnPattern, shown: shownARN, required: true}
	policyARN        = constraint{min: 20, max: 2048, pattern: arnPattern, shown: shownARN}
	sessionName      = constraint{min: 2, max: 64, pattern: namePattern, shown: shownName, required: true}
	sourceIdentity   = constraint{min: 2, max: 64, pattern: namePattern, shown: shownName}
	policyText       = constraint{min: 1, max: 2048, pattern: policyPattern, shown: shownPolicy, hidden: true}
	externalID       = constraint{min: 2, max: 1224, pattern: regexp.MustCompile(`^[\w+=,.@:/-]*$`), shown: `[\w+=,.@:\/-]*`}
	serialNumber     = constraint{min: 9, max: 256, pattern: regexp.MustCompile(`^[\w+=/:,.@-]*$`), shown: `[\w+=/:,.@-]*`}
	tokenCode        = constraint{min: 6, max: 6, pattern: regexp.MustCompile(`^\d*$`), shown: `[\d]*`, hidden: true}
	tagKey           = constraint{min: 1, max: 128, pattern: tagPattern, shown: shownTag, required: true}
	tagValue         = constraint{max: 256, pattern: tagPattern, shown: shownTag, required: true}
	servicePrincipal = constraint{min: 1, max: 128, pattern: regexp.MustCompile(`^[a-z0-9.-]*$`), shown: `[a-z0-9.-]*`, required: true}
	regionName       = constraint{min: 1, max: 32, pattern: regexp.MustCompile(`^[a-z0-9-]*$`), shown: `[a-z0-9-]*`}
	encodedMessage   = constraint{min: 1, max: 10240, required: true, hidden: true}
)

// params takes the parameters of one request out one by one, and keeps what is
// wrong with them.
type params struct {
	values     url.Values
	violations []string
	first      *wire.Error // other than a violated constraint
}

// finish returns the verdict on all parameters together. The parameters of the
// protocol and of the signature do not count as unknown.
func (p *params) finish() *wire.Error {
	for name := range p.values {
		if name != "Action" && name != "Version" && !strings.HasPrefix(name, "X-Amz-") {
			return malformed("the action has no parameter '%.64s'", name)
		}
	}
	switch n := len(p.violations); n {
	case 0:
		return p.first
	case 1:
		return wire.Errorf(ValidationError, "1 validation error detected: %s", p.violations[0])
	default:
		return wire.Errorf(ValidationError, "%d validation errors detected: %s", n, strings.Join(p.violations, "; "))
	}
}

func (p *params) fail(c wire.Code, format string, args ...any) {
	if p.first == nil {
		p.first = wire.Errorf(c, format, args...)
	}
}

func (p *params) take(name string) (string, bool) {
	v, sent := p.values[name]
	delete(p.values, name)
	if !sent {
		return "", false
	}
	return v[0], true
}

func (p *params) text(name string, c constraint) string {
	v, sent := p.take(name)
	p.check(lower(name), v, sent, c)
	return v
}

func (p *params) number(name string, fallback, low, high int) int {
	v, sent := p.take(name)
	if !sent {
		return fallback
	}
	n, err := strconv.ParseInt(v, 10, 32)
	switch {
	case err != nil:
		p.fail(MalformedInput, "The request is malformed: '%s' is not an integer.", name)
	case int(n) < low:
		p.violate(lower(name), v, fmt.Sprintf("Member must have value greater than or equal to %d", low))
	case int(n) > high:
		p.violate(lower(name), v, fmt.Sprintf("Member must have value less than or equal to %d", high))
	}
	return int(n)
}

// list takes NAME.member.N, or NAME.member.N.FIELD, in the order of N.
func (p *params) list(name, field string, most int, c constraint) []string {
	var all []string
	c.required = true
	for _, n := range p.numbers(name, most) {
		key, path := fmt.Sprintf("%s.member.%d", name, n), fmt.Sprintf("%s.%d.member", lower(name), n)
		if field != "" {
			key, path = key+"."+field, path+"."+field
		}
		v, sent := p.take(key)
		p.check(path, v, sent, c)
		all = append(all, v)
	}
	return all
}

func (p *params) tags(name string, most int) []Tag {
	var all []Tag
	for _, n := range p.numbers(name, most) {
		key, path := fmt.Sprintf("%s.member.%d", name, n), fmt.Sprintf("%s.%d.member", lower(name), n)
		k, sent := p.take(key + ".Key")
		p.check(path+".key", k, sent, tagKey)
		v, sent := p.take(key + ".Value")
		p.check(path+".value", v, sent, tagValue)
		all = append(all, Tag{Key: k, Value: v})
	}
	return all
}

// numbers are the N of NAME.member.N, sorted; clients write an empty list as
// NAME with no value.
func (p *params) numbers(name string, most int) []int {
	if v, sent := p.values[name]; sent && v[0] == "" {
		delete(p.values, name)
	}
	var all []int
	for key := range p.values {
		rest, ok := strings.CutPrefix(key, name+".member.")
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(rest, ".")
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 || text[0] == '0' {
			continue // finish finds it left over
		}
		all = append(all, int(n))
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > most {
		p.violations = append(p.violations, fmt.Sprintf(
			"Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", lower(name), most))
	}
	return all
}

func (p *params) check(path, value string, sent bool, c constraint) {
	if !sent {
		if c.required {
			p.violations = append(p.violations, "Value null at '"+path+"' failed to satisfy constraint: Member must not be null")
		}
		return
	}
	shown := value
	if c.hidden {
		shown = ""
	}
	if !utf8.ValidString(value) || c.pattern != nil && !c.pattern.MatchString(value) {
		p.violate(path, shown, "Member must satisfy regular expression pattern: "+c.shown)
	}
	switch n := utf8.RuneCountInString(value); {
	case n < c.min:
		p.violate(path, shown, fmt.Sprintf("Member must have length greater than or equal to %d", c.min))
	case n > c.max:
		p.violate(path, shown, fmt.Sprintf("Member must have length less than or equal to %d", c.max))
	}
}

func (p *params) violate(path, value, rule string) {
	shown := "Value '" + value + "' at '"
	if value == "" || len(value) > 256 {
		shown = "Value at '"
	}
	p.violations = append(p.violations, shown+path+"' failed to satisfy constraint: "+rule)
}

// lower spells a member as messages do: RoleArn is roleArn.
func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }
