package analysis

import (
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A choice is what a condition key can be in a request: values that tell all
// conditions on it apart. It is complete unless there are too many.
type choice struct {
	values   []string
	complete bool
}

// choose finds the values of a key that tell conditions apart, the one that
// requests have by default first. more are further texts to tell apart: what
// variables stand for, and pairs of grants.
func choose(conditions []*condition, d domain, more []string) choice {
	c := chooser{domain: d, choice: choice{complete: true}}
	if d.values != nil {
		return choice{values: d.values, complete: true}
	}
	for _, s := range d.seeds {
		c.add(s)
	}
	for _, x := range conditions {
		c.boundaries(x)
	}
	c.betweenNumbers(conditions)
	if d.high > 0 {
		return c.choice
	}
	for _, m := range more {
		c.literal(m)
	}
	c.patterns(conditions)
	return c.choice
}

type chooser struct {
	domain domain
	choice
	wild   []pattern
	exact  []string
	folded bool
}

func (c *chooser) add(value string) {
	if !slices.Contains(c.values, value) {
		c.values = append(c.values, value)
	}
}

// boundaries adds the values at which a comparison of numbers, dates,
// addresses or truth values changes.
func (c *chooser) boundaries(x *condition) {
	for _, o := range x.operands {
		switch x.op.Type {
		case policy.NumericType:
			if o.num != nil && o.num.IsInt() && o.num.Num().IsInt64() {
				c.numbers(int(o.num.Num().Int64()))
			} else if o.num != nil {
				f, _ := o.num.Float64()
				c.numbers(int(f))
				c.add(o.num.FloatString(6))
			}
		case policy.DateType:
			for _, shift := range []time.Duration{0, -time.Second, time.Second} {
				c.add(o.date.Add(shift).UTC().Format(time.RFC3339))
			}
		case policy.IPType:
			c.addresses(o.net)
		case policy.BoolType:
			c.add("true")
			c.add("false")
		case policy.BinaryType:
			c.add(o.value.Text)
		}
	}
}

// betweenNumbers adds a number between any two neighbors to which values are
// compared, where values need not be whole.
func (c *chooser) betweenNumbers(conditions []*condition) {
	var all []*big.Rat
	for _, x := range conditions {
		for _, o := range x.operands {
			if o.num != nil {
				all = append(all, o.num)
			}
		}
	}
	if c.domain.high > 0 {
		return
	}
	slices.SortFunc(all, (*big.Rat).Cmp)
	for i, n := range all {
		digits, _ := n.FloatPrec()
		c.add(n.FloatString(digits))
		if i == 0 || n.Cmp(all[i-1]) == 0 {
			continue
		}
		middle := new(big.Rat).Add(n, all[i-1])
		middle.Quo(middle, big.NewRat(2, 1))
		if digits, _ = middle.FloatPrec(); digits <= 32 {
			c.add(middle.FloatString(digits))
		} else {
			c.complete = false
		}
	}
}

func (c *chooser) numbers(n int) {
	for _, v := range []int{n, n - 1, n + 1} {
		if c.domain.high == 0 || v >= c.domain.low && v <= c.domain.high {
			c.add(strconv.Itoa(v))
		}
	}
	if c.domain.high > 0 {
		c.add(strconv.Itoa(c.domain.low))
		c.add(strconv.Itoa(c.domain.high))
	}
}

// addresses adds the first address of a network and the first after it: all
// networks together change nowhere else.
func (c *chooser) addresses(n netip.Prefix) {
	if !n.IsValid() {
		return
	}
	c.add(n.Addr().String())
	last := n.Addr().AsSlice()
	for i := n.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	if end, ok := netip.AddrFromSlice(last); ok && end.Next().IsValid() {
		c.add(end.Next().String())
	}
	if n.Addr().Is4() {
		c.add("::1")
		c.add("203.0.113.77")
	}
}

// literal adds a text as it stands.
func (c *chooser) literal(text string) {
	if c.domain.form == nil || text == "" && !c.domain.form.matches("") || slices.Contains(c.exact, text) {
		return
	}
	c.exact = append(c.exact, text)
}

// patterns adds texts that tell the operands of string and ARN operators apart.
func (c *chooser) patterns(conditions []*condition) {
	for _, x := range conditions {
		if x.op.Type != policy.StringType && x.op.Type != policy.ARNType {
			continue
		}
		for _, o := range x.operands {
			c.operand(x, o)
		}
	}
	form := c.domain.form
	if form == nil {
		return // typed values only
	}
	for _, text := range c.exact {
		if !c.accepts(text) {
			continue
		}
		c.add(text)
		for _, other := range []string{strings.ToUpper(text), strings.ToLower(text)} {
			if c.folded && c.accepts(other) {
				c.add(other)
			}
		}
	}
	if !form.matches("") {
		c.cells(form)
		return
	}
	c.cells(join(times(anything, 1), form)) // also what is not empty, for variables
	said := func(text string) string {
		fits := make([]byte, 0, len(conditions))
		for _, x := range conditions {
			if len(x.vars) == 0 {
				fits = append(fits, bit(x.passes(text, nil)))
			}
		}
		return string(fits)
	}
	if !slices.ContainsFunc(c.values, func(v string) bool { return said(v) == said("") }) {
		c.add("")
	}
}

// operand notes what one operand tells apart.
func (c *chooser) operand(x *condition, o operand) {
	if o.never {
		return
	}
	if o.value.HasVariable() {
		c.around(x, o.value)
		return
	}
	text, only := o.fixed.text()
	if x.op.FoldCase {
		c.folded = true
		text, only = o.value.Literal()
	}
	switch {
	case only:
		c.literal(text)
	case !slices.ContainsFunc(c.wild, func(p pattern) bool { return slices.Equal(p, o.fixed) }):
		c.wild = append(c.wild, o.fixed)
	}
}

// around takes what stands beside a variable as a pattern of its own.
func (c *chooser) around(x *condition, v policy.Value) {
	p, never := x.loose(v, 0)
	if never {
		return
	}
	if len(v.Parts) > 1 {
		c.wild = append(c.wild, p)
	}
}

// accepts tells whether a text of a policy can be a value. What a key's values
// look like is known only so far: a text that has the right beginning will do.
func (c *chooser) accepts(text string) bool {
	if c.domain.form.matches(text) {
		return true
	}
	start, _ := c.domain.form[:prefixLength(c.domain.form)].text()
	return start != "" && start != "arn:aws" && strings.HasPrefix(text, start) && len(text) > len(start)
}

func prefixLength(p pattern) int {
	i := slices.IndexFunc(p, func(x place) bool { return x.class != exact })
	if i < 0 {
		return len(p)
	}
	return i
}

// cells adds a text for each combination of patterns, also one that no exact
// operand is.
func (c *chooser) cells(form pattern) {
	is := func(exact, text string) bool { return exact == text || c.folded && strings.EqualFold(exact, text) }
	said := func(text string) bool {
		return slices.ContainsFunc(c.exact, func(t string) bool { return is(t, text) })
	}
	texts, complete := cells(c.wild, form, slices.DeleteFunc(slices.Clone(c.values), said))
	c.complete = c.complete && complete
	var literals []pattern // that must be told apart, too
	for _, t := range c.exact {
		if anyMatches(c.wild, t) || slices.ContainsFunc(texts, func(text string) bool { return is(t, text) }) {
			p := literal(t)
			if c.folded {
				p = p.folded()
			}
			literals = append(literals, p)
		}
	}
	if len(literals) > 0 {
		texts, complete = cells(append(slices.Clone(c.wild), literals...), form, c.values)
		c.complete = c.complete && complete
	}
	for _, t := range texts {
		c.add(t)
	}
}

func anyMatches(patterns []pattern, text string) bool {
	return slices.ContainsFunc(patterns, func(p pattern) bool { return p.matches(text) })
}
