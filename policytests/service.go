package policytests

import (
	"net/netip"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// serviceIP is where services call from: another address that RFC 5737 keeps
// for examples.
var serviceIP = netip.MustParseAddr("198.51.100.1")

// network puts the VPC endpoint that the request comes through into the call.
// From an account that does not have the Region there are no requests.
func (q *asked) network() error {
	if account := q.call.Caller.Account; account != "" && !q.call.World.Offers(account, q.call.Request.Region) {
		return failf(q.request.Principals[0], "account %s does not have the Region %s", account, q.call.Request.Region)
	}
	w := q.request.Endpoint
	if w.Text == "" {
		return nil
	}
	e, known := q.call.World.Endpoint(w.Text)
	switch {
	case !known:
		return failf(w, "there is no endpoint %s in this world", w.Text)
	case e.Region != q.call.Request.Region:
		return failf(w, "%s is in %s and serves no request for %s", w.Text, e.Region, q.call.Request.Region)
	}
	q.call.Endpoint = e
	return nil
}

// service puts the services that call, as themselves or on behalf of the
// principal, into the call. The world must let them act.
func (q *asked) service() error {
	region := q.call.Request.Region
	source, err := q.source()
	if err != nil {
		return err
	}
	itself := q.call.Caller.Type == decision.Service
	switch {
	case source != (identity.Source{}) && !itself:
		return failf(q.request.Principals[0], "only a service that calls as itself names a source")
	case len(q.request.Services) == 0 && !itself:
		return nil
	case itself && len(q.request.Services) > 0:
		return failf(q.request.Services[0], "a service calls on behalf of users, roles and root")
	case itself:
		q.call.Caller = q.call.Caller.Calling(region, source)
		account := source.Account
		if account == "" {
			account = q.check.Resource.Account
		}
		return q.mandate(q.request.Principals[0], account)
	}
	var s *world.Service
	chain := make([]string, len(q.request.Services))
	for i, w := range q.request.Services {
		var known bool
		if s, known = q.call.World.Service(w.Text); !known {
			return failf(w, "this world lists no service %s", w.Text)
		}
		chain[i] = w.Text
	}
	last := q.request.Services[len(chain)-1]
	q.call.Request.SourceIP = serviceIP
	q.call.Caller.Service = &identity.ServiceCall{
		Service: s, Region: region, Forward: &sts.Forward{Service: s.Principal, Region: region, Via: chain[:len(chain)-1]},
	}
	return q.mandate(last, q.call.Caller.Account)
}

// mandate refuses what the world does not let the service do: a server would
// not come to decide it.
func (q *asked) mandate(w caseline.Word, account string) error {
	s := q.call.Caller.Service.Service
	if s.May(account, q.call.Request.Region, q.action.Name) {
		return nil
	}
	return failf(w, "the world does not let %s act for %s in %s with %s; its acts-for says for whom it may",
		s.Principal, account, q.call.Request.Region, q.action.Name)
}

// isSource tells whether a condition key names the source of a service's call.
func isSource(key string) bool {
	return strings.EqualFold(key, "aws:SourceArn") || strings.EqualFold(key, "aws:SourceAccount")
}

// source is what a service calls for. Its account is always known, as the
// service sees to: that of the ARN, or the one beside it.
func (q *asked) source() (identity.Source, error) {
	var s identity.Source
	var arn caseline.Word
	for _, p := range q.request.Keys {
		switch {
		case strings.EqualFold(p.Key, "aws:SourceArn"):
			s.ARN, arn.Pos = p.Values[0], p.Pos
		case strings.EqualFold(p.Key, "aws:SourceAccount"):
			s.Account = p.Values[0]
		}
	}
	if s.ARN == "" {
		return s, nil
	}
	switch owner := identity.AccountOf(s.ARN); {
	case owner == "" && s.Account == "":
		return s, failf(arn, "aws:SourceAccount is needed beside an ARN that has no account")
	case owner != "" && s.Account != "" && owner != s.Account:
		return s, failf(arn, "aws:SourceArn and aws:SourceAccount name different accounts")
	case s.Account == "":
		s.Account = owner
	}
	return s, nil
}
