package identity

import (
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// maxCallers is how many callers are kept.
const maxCallers = 4096

// Callers keeps who the owners of long-term credentials are: for them all that
// decisions see of the caller follows from the world, not from the call. The zero
// value is usable. Safe for concurrent use.
type Callers struct {
	mu    sync.RWMutex
	world *world.World // whose callers are kept
	known map[string]Caller
}

// fixed is what does not change of a caller while its world does not.
type fixed struct {
	keys     map[string][]string
	attached Attached
	contexts condition.Memo
}

// Memo is for the contexts of the caller's requests; nil if its keys are not
// always the same.
func (c Caller) Memo() *condition.Memo {
	if c.fixed == nil {
		return nil
	}
	return &c.fixed.contexts
}

// Of is Credentials.Caller.
func (k *Callers) Of(c Credentials) (Caller, *wire.Error) {
	if c.token != nil {
		return c.Caller()
	}
	if caller, ok := k.find(c); ok {
		return caller, nil
	}
	caller, failed := c.Caller()
	if failed != nil || caller.Session != nil || caller.Service != nil {
		return caller, failed
	}
	caller.fixed = &fixed{keys: caller.Keys(time.Time{}), attached: caller.Attached()}
	k.keep(c, caller)
	return caller, nil
}

func (k *Callers) find(c Credentials) (Caller, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.world != c.world {
		return Caller{}, false
	}
	caller, ok := k.known[c.AccessKeyID]
	return caller, ok
}

func (k *Callers) keep(c Credentials, caller Caller) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.world != c.world || len(k.known) >= maxCallers {
		k.world, k.known = c.world, map[string]Caller{}
	}
	k.known[c.AccessKeyID] = caller
}
