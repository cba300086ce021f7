package server

import "sync"

// calls counts the requests under way. It is safe for concurrent use.
type calls struct {
	idle chan struct{} // closed when no request is under way and none will be

	mu      sync.Mutex
	running int
	closed  bool
}

func newCalls() *calls { return &calls{idle: make(chan struct{})} }

// enter counts a request in, unless there are to be no more.
func (c *calls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running++
	return true
}

// leave counts a request out.
func (c *calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running--; c.closed && c.running == 0 {
		close(c.idle)
	}
}

// close lets no more requests in, and returns idle. It may be called once.
func (c *calls) close() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.running == 0 {
		close(c.idle)
	}
	return c.idle
}
