package store

import (
	"errors"
	"fmt"
	"time"
)

// closeLimit is how long Close waits: well within the 30 s that service
// managers give a process to end. It is enough to flush what memory holds to a
// disk that takes 2 MB a second.
const closeLimit = 10 * time.Second

// Close waits for transactions and appends under way, and closes the
// directory. It may be called once. ErrStuck says that it gave up; all that was
// answered is on disk then, and the directory stays locked until the process ends.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return ErrClosed
	}
	s.stop()
	closed := make(chan error, 1)
	go func() { // Badger can neither be told to give up, nor be left by the one who waits for it
		<-s.stopped
		s.users.Wait()
		closed <- s.release()
	}()
	limit := time.NewTimer(s.config.closeLimit)
	defer limit.Stop()
	select {
	case err := <-closed:
		return err
	case <-limit.C:
		return fmt.Errorf("%w: %s after %s", ErrStuck, s.config.Dir, s.config.closeLimit)
	}
}

// release closes what is open. Where Badger's last flush would not succeed, it
// would be tried for ever, or end the process; so the database is then left as
// a killed process leaves it, with all that was answered in its log. The next
// Open reads it from there.
func (s *Store) release() error {
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	for _, l := range []location{s.events, s.dir} {
		if l.file != nil {
			errs = append(errs, l.file.Close())
		}
	}
	if s.gen != nil {
		if err := s.flushable(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, s.gen.close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}

func (s *Store) flushable() error {
	for _, l := range []location{s.lock.location, s.gen.location} {
		if err := l.check(); err != nil {
			return err
		}
	}
	if err := checkRoom(s.lock.file, s.config.MinFree, spareFiles); err != nil {
		return fmt.Errorf("leaving records for the next start: %w", err)
	}
	return nil
}
