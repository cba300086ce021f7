package compile

// resource says which resources the statement is about; why is set if none.
func (sc *scope) resource() (c conj, why string) {
	sc.subject = ""
	switch {
	case !sc.kind.HasResource():
		return nil, ""
	case !sc.s.HasResource:
		return nil, "it names no resource"
	}
	alternatives := append(sc.text(inputRef("resource"), sc.s.Resources, false), sc.ambiguous(sc.s.Resources, sc.s.NotResource)...)
	always := alwaysHolds(alternatives)
	switch {
	case len(alternatives) == 0 && !sc.s.NotResource || always && sc.s.NotResource:
		return nil, "it matches no resource"
	case len(alternatives) == 0 || always:
		return nil, ""
	}
	sc.reads("resource")
	comment := sc.s.Pos.Path + ".Resource"
	if !sc.s.NotResource {
		return sc.anyOf("resource", comment, alternatives), ""
	}
	return sc.noneOf("resource", sc.s.Pos.Path+".NotResource", alternatives), ""
}

// noneOf says that none of the alternatives holds. A single expression is
// negated in place; one with variables needs a rule, for what is undefined
// inside must not be seen outside.
func (sc *scope) noneOf(part, comment string, alternatives []conj) conj {
	var plain conj
	var rest []conj
	for _, a := range alternatives {
		if len(a) == 1 {
			plain = append(plain, negate(a[0]))
		} else {
			rest = append(rest, a)
		}
	}
	if len(rest) > 0 {
		plain = append(plain, negate(holds(sc.rule(part, comment, nil, rest))))
	}
	return plain
}

func alwaysHolds(alternatives []conj) bool {
	for _, a := range alternatives {
		if len(a) == 0 {
			return true
		}
	}
	return false
}
