package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

var (
	regionForm  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	allowedLast = regexp.MustCompile(`^(key/[A-Za-z0-9*?${}:_,'./ -]+|alias/.+)$`)
)

// allPartitions are those that an ARN may name; policy.Partitions are those
// of which keyreeve knows principals.
var allPartitions = append(slices.Clone(policy.Partitions), "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")

// resourceARNs looks at each part of the ARNs of resources. Parts with
// wildcards or variables match what they match.
func (c *checker) resourceARNs(f *facts) {
	for _, r := range f.s.Resources {
		fields := arnFields(r.Text)
		if star(r) || fields[0] != "arn" {
			continue
		}
		c.partition(r, fields)
		if len(fields) > 2 && c.arnService(r, fields) && fields[2] == "kms" {
			c.keyARN(r, fields)
		}
	}
}

// arnFields splits an ARN at its first five colons, those in variables left
// out.
func arnFields(text string) []string {
	var fields []string
	from, inside := 0, false
	for i := 0; i < len(text) && len(fields) < 5; i++ {
		switch {
		case text[i] == '}':
			inside = false
		case strings.HasPrefix(text[i:], "${"):
			inside = true
		case text[i] == ':' && !inside:
			fields = append(fields, text[from:i])
			from = i + 1
		}
	}
	return append(fields, text[from:])
}

// literal tells whether a part of an ARN is written out.
func literal(part string) bool { return !strings.ContainsAny(part, "*?$") }

// with is the ARN with one part changed.
func with(fields []string, i int, part string) string {
	changed := slices.Clone(fields)
	changed[i] = part
	return strings.Join(changed, ":")
}

func (c *checker) partition(r policy.Value, fields []string) {
	if len(fields) < 2 || !literal(fields[1]) {
		return
	}
	if !slices.Contains(allPartitions, fields[1]) {
		g := c.add("INVALID_PARTITION", r.Pos, "There is no partition %q.", fields[1])
		if near, ok := nearest(fields[1], allPartitions); ok {
			c.guessed(g, r.Pos, with(fields, 1, near.word), near)
		}
	} else if c.o.Partition != "" && fields[1] != c.o.Partition {
		c.meant(c.add("INVALID_PARTITION", r.Pos, "The partition is %s, and the policy is for %s.", fields[1], c.o.Partition), r.Pos, with(fields, 1, c.o.Partition))
	}
}

// arnService tells whether the service of an ARN is one.
func (c *checker) arnService(r policy.Value, fields []string) bool {
	service := fields[2]
	switch {
	case !literal(service) || services.has[service]:
		return true
	case services.has[strings.ToLower(service)]:
		c.meant(c.add("INVALID_ARN_SERVICE_CASE", r.Pos, "The service of an ARN is written in lower case."), r.Pos, with(fields, 2, strings.ToLower(service)))
	default:
		g := c.add("INVALID_SERVICE", r.Pos, "There is no service %q.", service)
		if near, ok := nearest(service, serviceNames); ok {
			c.guessed(g, r.Pos, with(fields, 2, near.word), near)
		}
	}
	return false
}

// keyARN looks at the ARN of a key or alias.
func (c *checker) keyARN(r policy.Value, fields []string) {
	if len(fields) > 3 && literal(fields[3]) {
		c.region(r, fields)
	}
	if len(fields) > 4 && literal(fields[4]) {
		switch {
		case fields[4] == "":
			c.add("MISSING_ARN_ACCOUNT", r.Pos, "The ARN of a key has an account.")
		case !accountForm.MatchString(fields[4]):
			c.add("INVALID_ARN_ACCOUNT", r.Pos, "The account of an ARN has twelve digits, not %q.", fields[4])
		}
	}
	if len(fields) < 6 || wild(fields[5][:min(len(fields[5]), 1)]) || strings.HasPrefix(fields[5], "$") {
		return
	}
	kind, _, _ := strings.Cut(fields[5], "/")
	if wild(kind) || allowedLast.MatchString(fields[5]) {
		return
	}
	g := c.add("INVALID_ARN_RESOURCE", r.Pos, "The ARN ends in key/ and an id, or in alias/ and a name, not in %q.", fields[5])
	if near, ok := nearest(kind, []string{"key", "alias"}); ok && strings.Contains(fields[5], "/") {
		c.guessed(g, r.Pos, with(fields, 5, near.word+fields[5][len(kind):]), near)
	} else if keyID.MatchString(fields[5]) {
		c.meant(g, r.Pos, with(fields, 5, "key/"+fields[5]))
	}
}

var keyID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

func (c *checker) region(r policy.Value, fields []string) {
	region := fields[3]
	switch {
	case region == "":
		c.add("MISSING_ARN_REGION", r.Pos, "The ARN of a key has a Region.").Suggestion = with(fields, 3, "*")
	case regions.has[region]:
	default:
		id, says := "INVALID_REGION", "There is no Region %q."
		if !regionForm.MatchString(region) {
			id, says = "INVALID_ARN_REGION", "%q has not the form of a Region."
		}
		g := c.add(id, r.Pos, says, region)
		if near, ok := nearest(region, regions.words); ok {
			c.guessed(g, r.Pos, with(fields, 3, near.word), near)
		}
	}
}
