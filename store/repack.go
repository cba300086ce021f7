package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"
)

// Badger's own compaction is off. It drops the entries of a table that it
// could not write (no file handle is enough), and it needs space that nobody
// can tell beforehand, without which the process ends. In its place the live
// entries are copied to the next generation now and then, while changes wait,
// and are read back before anything is removed.

// Tables gather on top of those that were packed before, and each read asks
// all of them. They are packed when there are enough of them and they are not
// small against the rest, or when there are too many.
const (
	repackTables = 16
	repackShare  = 4 // on top is at least a quarter of the rest
	tooMany      = 64
)

// packing tells how many bytes the tables have, and whether to pack them.
func (g *generation) packing(enough int) (size int64, due bool) {
	levels := g.db.Levels()
	for _, l := range levels {
		size += l.Size
	}
	top := levels[0]
	return size, top.NumTables >= enough &&
		(top.Size*repackShare >= size-top.Size || top.NumTables >= tooMany)
}

// repack copies the current generation to the next one, makes that the current
// one, and removes the old. Changes wait meanwhile, reads do not. After an
// error the old one is still current, unless the store has failed.
func (s *Store) repack(ctx context.Context) error {
	if err := s.InPlace(); err != nil {
		return err
	}
	old, next, err := s.copyAndSwitch(ctx)
	if err != nil {
		return fmt.Errorf("repacking records: %w", err)
	}
	old.users.Wait()
	if err := errors.Join(old.close(), os.RemoveAll(old.dir)); err != nil {
		return fmt.Errorf("removing old generation: %w", err)
	}
	s.config.Log.Info("records repacked", "generation", next.number)
	return nil
}

// copyAndSwitch replaces the generation that is current when nobody else
// replaces it.
func (s *Store) copyAndSwitch(ctx context.Context) (old, next *generation, err error) {
	s.switching.Lock()
	defer s.switching.Unlock()
	if s.failed.Load() {
		return nil, nil, ErrFailed
	}
	old = s.current()
	size, _ := old.packing(0)
	if err := checkRoom(old.dirSync.dir, s.config.MinFree+size, int(size/packedTableSize)+spareFiles); err != nil {
		return nil, nil, err
	}
	records := filepath.Dir(old.dir)
	if next, err = s.copyGeneration(ctx, old, records); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(generationDir(records, old.number+1)))
	}
	if err := writeCurrent(records, next.number); err != nil {
		s.fail(err)
		return nil, nil, errors.Join(err, next.close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen = next
	return old, next, nil
}

// copyGeneration makes the next generation of old and opens it, with the same
// entries.
func (s *Store) copyGeneration(ctx context.Context, old *generation, records string) (*generation, error) {
	dir := generationDir(records, old.number+1)
	if err := errors.Join(os.RemoveAll(dir), makeDir(dir)); err != nil {
		return nil, err
	}
	want, err := s.copyEntries(ctx, old, dir)
	if err != nil {
		return nil, err
	}
	next, err := openGeneration(dir, old.number+1, s.config.Log)
	if err != nil {
		return nil, err
	}
	got := sha256.New()
	err = next.each(ctx, func(item *badger.Item) error { return addEntry(got, item) })
	if err == nil && string(got.Sum(nil)) != want {
		err = fmt.Errorf("%w: the copy differs", ErrCorrupt)
	}
	if err != nil {
		return nil, errors.Join(err, next.close())
	}
	return next, nil
}

// copyBuffer is how many bytes are handed on at once.
const copyBuffer = 1 << 20

// copyEntries writes the entries of g into a new Badger, and answers their digest.
func (s *Store) copyEntries(ctx context.Context, g *generation, dir string) (digest string, err error) {
	db, err := openDatabase(dir, s.config.Log)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	w := db.NewStreamWriter()
	if err := w.Prepare(); err != nil {
		return "", fmt.Errorf("preparing copy: %w", err)
	}
	sum := sha256.New()
	buf := z.NewBuffer(2*copyBuffer, "repack")
	defer func() { err = errors.Join(err, buf.Release()) }()
	err = g.each(ctx, func(item *badger.Item) error {
		if err := addEntry(sum, item); err != nil {
			return err
		}
		value, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		badger.KVToBuffer(&pb.KV{Key: item.KeyCopy(nil), Value: value, Version: item.Version()}, buf)
		if buf.LenNoPadding() < copyBuffer {
			return nil
		}
		err = w.Write(buf)
		buf.Reset()
		return err
	})
	if err == nil {
		err = w.Write(buf)
	}
	if err != nil {
		w.Cancel()
		return "", fmt.Errorf("copying entries: %w", err)
	}
	if err := w.Flush(); err != nil {
		return "", fmt.Errorf("copying entries: %w", err)
	}
	return string(sum.Sum(nil)), nil
}

// each hands all entries, in order, to visit.
func (g *generation) each(ctx context.Context, visit func(*badger.Item) error) error {
	return g.view(func(tx kvTx) error {
		c := tx.cursor(nil, true)
		defer c.close()
		for c.seek(nil); c.within(nil); c.next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(c.it.Item()); err != nil {
				return err
			}
		}
		return nil
	})
}

// addEntry adds an entry to a digest: lengths of key and value, 8 bytes each,
// then both.
func addEntry(sum hash.Hash, item *badger.Item) error {
	return item.Value(func(value []byte) error {
		var head [16]byte
		binary.BigEndian.PutUint64(head[:], uint64(len(item.Key())))
		binary.BigEndian.PutUint64(head[8:], uint64(len(value)))
		for _, part := range [][]byte{head[:], item.Key(), value} {
			_, _ = sum.Write(part) // a hash does not fail
		}
		return nil
	})
}
