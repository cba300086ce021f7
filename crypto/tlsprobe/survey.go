package tlsprobe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
)

// A Survey is what an endpoint does with everything that a probe can offer.
type Survey struct {
	Address   string
	Preferred Result   // all groups offered: what the endpoint chooses itself
	Groups    []Result // each group offered alone, the draft one too
	Versions  []Result // TLS 1.2, 1.1 and 1.0, each offered alone
}

// A Result is one probe of a Survey. Err is nil if Report holds; see Refused.
type Result struct {
	Offer  string
	Report Report
	Err    error
}

// Refused tells whether the endpoint turned the offer down with an alert, which
// is an answer and not a fault.
func (r Result) Refused() bool {
	return errors.Is(r.Err, ErrRefused)
}

// String is the result in one line.
func (r Result) String() string {
	switch {
	case r.Err == nil:
		return fmt.Sprintf("%s: %s", r.Offer, r.Report)
	case r.Refused():
		return fmt.Sprintf("%s: refused (%v)", r.Offer, r.Err)
	default:
		return fmt.Sprintf("%s: failed (%v)", r.Offer, r.Err)
	}
}

// ProbeAll offers an endpoint all groups, each group, and each older version,
// one connection after the other. It errs only if the endpoint cannot be
// reached or ctx ends: what the endpoint refuses or does wrong stands in the
// results. Groups of c does not matter.
func ProbeAll(ctx context.Context, addr string, c Config) (Survey, error) {
	s := Survey{Address: addr}
	probe := func(offer string, probe func() (Report, error)) (Result, error) {
		report, err := probe()
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		if errors.Is(err, ErrUnreachable) {
			return Result{}, err
		}
		return Result{Offer: offer, Report: report, Err: err}, nil
	}
	offer := func(groups []Group) func() (Report, error) {
		c := c
		c.Groups = groups
		return func() (Report, error) { return Probe(ctx, addr, c) }
	}
	var err error
	if s.Preferred, err = probe("all groups", offer(Groups())); err != nil {
		return Survey{}, err
	}
	for _, g := range append(Groups(), X25519Kyber768Draft00) {
		r, err := probe(g.String(), offer([]Group{g}))
		if err != nil {
			return Survey{}, err
		}
		s.Groups = append(s.Groups, r)
	}
	for _, v := range []Version{tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10} {
		r, err := probe(v.String(), func() (Report, error) { return ProbeVersion(ctx, addr, v, c) })
		if err != nil {
			return Survey{}, err
		}
		s.Versions = append(s.Versions, r)
	}
	return s, nil
}
