package repl

import (
	"context"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/query"
)

// whyNot tells the smallest change that would allow a request.
func whyNot(ctx context.Context, s *Session, rest string) (Answer, error) {
	whole, all, err := s.requests(rest)
	if err != nil {
		return Answer{}, err
	}
	s.said = said{whole, s.state.scene}
	if len(all) > 1 {
		return Answer{}, misuse("why-not is about one request; these are %d", len(all))
	}
	r, err := query.WhyNot(ctx, s.current.base, all[0].Request)
	if err != nil {
		return Answer{}, judged(err)
	}
	var b strings.Builder
	if err := r.WriteText(&b, s.cfg.Style); err != nil {
		return Answer{}, err
	}
	return Answer{Value: r, Text: strings.TrimRight(b.String(), "\n"), No: !r.Explanation.Allowed}, nil
}

// whoCan tells who can do something, exhaustively.
func whoCan(ctx context.Context, s *Session, rest string) (Answer, error) {
	do, on, w := s.state.scene.do, s.state.scene.on, words(rest)
	if len(w) > 0 && isAction(w[0]) {
		do, w = w[0], w[1:]
	}
	if len(w) > 0 && isResource(w[0]) {
		on, w = w[0], w[1:]
	}
	switch {
	case len(w) > 0:
		return Answer{}, misuse("%s is no action and no resource; who-can kms:Decrypt key/payroll", w[0])
	case do == "":
		return Answer{}, misuse("who can do what? who-can kms:Decrypt key/payroll, or say it once: do kms:Decrypt")
	case on == "" && needsResource(do):
		return Answer{}, misuse("on which key? who-can %s key/NAME, or say it once: on key/NAME", do)
	}
	t, err := query.WhoCan(ctx, s.current.base, list(do), on, query.Filter{})
	return s.tabled(t, err)
}

// whatCan tells what somebody can do, exhaustively.
func whatCan(ctx context.Context, s *Session, rest string) (Answer, error) {
	who, on, w := s.state.scene.who, "", words(rest)
	if len(w) > 0 && isPrincipal(w[0]) {
		who, w = w[0], w[1:]
	}
	if len(w) > 0 && w[0] == "on" {
		w = w[1:]
	}
	if len(w) > 0 && isResource(w[0]) {
		on, w = w[0], w[1:]
	}
	switch {
	case len(w) > 0:
		return Answer{}, misuse("%s is no principal and no resource; what-can role/payroll key/payroll", w[0])
	case who == "":
		return Answer{}, misuse("what can who? what-can role/payroll, or say it once: as role/payroll")
	}
	t, err := query.WhatCan(ctx, s.current.base, who, on, query.Filter{})
	return s.tabled(t, err)
}

func (s *Session) tabled(t query.Table, err error) (Answer, error) {
	if err != nil {
		return Answer{}, judged(err)
	}
	var b strings.Builder
	if err := t.WriteText(&b, s.cfg.Style); err != nil {
		return Answer{}, err
	}
	return Answer{Value: t, Text: strings.TrimRight(b.String(), "\n")}, nil
}
