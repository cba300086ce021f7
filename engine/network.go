package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/decisionlog"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// Proxied tells whether connections of a peer to a listener must begin with a
// PROXY protocol header, in the world of now.
func (e *Engine) Proxied(listener string, peer netip.Addr) bool {
	return e.cfg.World().Proxied(listener, peer)
}

// locate finds the VPC endpoint that a request came through: nil if through
// none. The network decides which endpoints it can be; the host names that the
// client asked for can only select among those, and a request that names the
// host of any other is refused. So nothing that a client says brings an
// endpoint about.
func locate(w *world.World, r wire.Request, region string) (*world.Endpoint, error) {
	n := r.Network
	if w.Proxied(n.Listener, n.Peer) != n.Proxied {
		return nil, wire.Errorf(wire.AccessDenied, "The connection is older than the VPC endpoints that are known now. Connect again.")
	}
	possible := reachable(w, n)
	switch {
	case len(possible) > 0:
	case n.Endpoint != "":
		return nil, wire.Errorf(wire.AccessDenied, "The VPC endpoint %s is not one that this network leads to.", n.Endpoint)
	case n.Listener != "":
		return nil, wire.Errorf(wire.AccessDenied, "No VPC endpoint is bound to this listener.")
	}
	for _, claimed := range hosts(r) {
		host := hostName(claimed)
		if host == "" || !namesEndpoint(w, host) {
			continue
		}
		possible = slices.DeleteFunc(possible, func(e *world.Endpoint) bool { return !names(e, host) })
		if len(possible) == 0 {
			return nil, wire.Errorf(wire.AccessDenied, "The host name %.253s is that of a VPC endpoint, and this request did not come through it.", host)
		}
	}
	switch {
	case len(possible) == 0:
		return nil, nil
	case len(possible) > 1:
		return nil, wire.Errorf(wire.AccessDenied, "Several VPC endpoints share this listener. Use a host name of the one that you mean.")
	case possible[0].Region != region:
		return nil, wire.Errorf(wire.AccessDenied, "The VPC endpoint %s leads to the Region %s only.", possible[0].ID, possible[0].Region)
	}
	return possible[0], nil
}

// reachable lists the endpoints that a connection can have come through: those
// that its listener is bound to, and the one that a proxy has named, each if
// its peers are so that the peer is one.
func reachable(w *world.World, n wire.Network) []*world.Endpoint {
	var list []*world.Endpoint
	all := w.Endpoints()
	for i := range all {
		e := &all[i]
		bound := n.Listener != "" || n.Endpoint != ""
		named := n.Endpoint == "" || n.Endpoint == e.ID
		trusted := e.Trusts(n.Peer) || len(e.Peers) == 0 && n.Endpoint == ""
		if bound && named && trusted && e.At(n.Listener) {
			list = append(list, e)
		}
	}
	return list
}

// hosts are the names of the host that the client asked for; without TLS the
// second is empty. They are claims.
func hosts(r wire.Request) [2]string {
	if r.TLS == nil {
		return [2]string{r.Host}
	}
	return [2]string{r.Host, r.TLS.ServerName}
}

// hostName is the name in a host as it stands in worlds.
func hostName(host string) string {
	if strings.IndexByte(host, ':') >= 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// ownHost is the form of the host names that AWS gives to VPC endpoints, such
// as vpce-0123456789abcdef0-a1b2c3d4.kms.eu-west-1.vpce.amazonaws.com.
var ownHost = regexp.MustCompile(`^(vpce-[0-9a-f]{8,17})(-[a-z0-9-]+)?(\.|$)|\.vpce\.amazonaws\.com(\.cn)?$`)

// namesEndpoint tells whether a host name is that of an endpoint: one of the
// world's, or any by its form.
func namesEndpoint(w *world.World, host string) bool {
	return strings.Contains(host, "vpce") && ownHost.MatchString(host) || slices.ContainsFunc(w.Endpoints(), func(e world.Endpoint) bool { return names(&e, host) })
}

// names tells whether a host name is that of an endpoint.
func names(e *world.Endpoint, host string) bool {
	if slices.Contains(e.Hosts, host) {
		return true
	}
	m := ownHost.FindStringSubmatch(host)
	return m != nil && m[1] == e.ID
}

// logUndecided tells the operator of a call that was refused before there was
// anything to decide: for the network that it came by, or because nobody lets
// its service make it. A service as itself has no account whose records would.
func (e *Engine) logUndecided(c *call, s *Scope, err error) {
	failure, known := errors.AsType[*wire.Error](err)
	if !known || failure.Code != wire.AccessDenied || s != nil && len(s.decisions) > 0 {
		return
	}
	e.decisionLog.refused(c.logged(), decisionlog.Refusal{
		Principal: c.caller.ARN, Listener: c.request.Network.Listener, Reason: failure.Message,
	})
}

// endpointAlone tells whether nothing but the policy of the VPC endpoint
// refused the call: the i-th check, which was refused, and all after it would
// be allowed without it. Such a call leaves no audit event (CT-007).
func (s *Scope) endpointAlone(ctx context.Context, i int, refused error) (bool, error) {
	if failure, known := errors.AsType[*wire.Error](refused); !known || failure.Code != wire.AccessDenied {
		return false, nil
	}
	if s.endpoint == nil || s.endpoint.Policy == nil {
		return false, nil
	}
	for j := i; j < len(s.checks); j++ {
		q, err := s.attached(&s.checks[j])
		if err != nil {
			return false, err
		}
		q.Endpoint = nil
		d, err := s.engine.decide(ctx, q)
		if errors.Is(err, decision.ErrTooLong) {
			return false, nil // of a check that was not asked yet, and would have failed
		}
		if err != nil {
			return false, fmt.Errorf("deciding %s without the endpoint: %w", q.Action, err)
		}
		if !d.Allowed {
			return false, nil
		}
	}
	return true, nil
}
