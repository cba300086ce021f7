package identity

import (
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// Of is the caller that credentials of owner would speak for, without any:
// the account's root user, a user, a session that the world lists, or a
// service. Questions that nobody signs are about such callers.
func Of(w *world.World, owner world.AccessKey) (Caller, *wire.Error) { return listed(w, owner) }

// InSession is the user or root user c with temporary credentials.
func (c Caller) InSession(s Session) Caller {
	c.Session, c.fixed = &s, nil
	return c
}

// InRole is the caller behind a session of a role.
func InRole(w *world.World, r *world.Role, name string, s Session) Caller {
	c := Caller{world: w, Session: &s}
	c.role(r, name)
	return c
}
