package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

// SchemaVersion is the version of all that SCHEMA.md describes. A database of
// another version is not opened.
const SchemaVersion = 2

// schemaRecord stands under m·schema. Later versions may add members, so that
// an older program can still tell the version.
type schemaRecord struct {
	Version int       `json:"version"`
	Created time.Time `json:"created"`
}

const (
	proofPurpose = "store/proof"
	proofText    = "keyreeve store"
)

var (
	schemaKey = dbKey(spaceMeta, "schema")
	proofKey  = dbKey(spaceMeta, "root-key")
)

// checkSchema tells whether the database is one of this program and of this
// root key.
func checkSchema(tx kvTx, root *seal.RootKey) error {
	value, err := tx.get(schemaKey)
	if err != nil {
		return err
	}
	var schema schemaRecord
	if err := json.Unmarshal(value, &schema); err != nil {
		return fmt.Errorf("%w: schema record does not decode", ErrSchema)
	}
	if schema.Version != SchemaVersion {
		return fmt.Errorf("%w: the directory has version %d, this program knows version %d", ErrSchema, schema.Version, SchemaVersion)
	}
	proof, err := tx.get(proofKey)
	if err != nil {
		return fmt.Errorf("%w: no proof of the root key: %w", ErrCorrupt, err)
	}
	text, err := root.Open(proofPurpose, nil, proof)
	if err != nil || string(text.Expose()) != proofText {
		return fmt.Errorf("%w: the directory was made under another one", ErrRootKey)
	}
	return nil
}

// makeSchema writes the first entries of an empty database.
func makeSchema(tx kvTx, root *seal.RootKey, now time.Time) error {
	empty := true
	err := tx.scan(nil, nil, false, func(_, _ []byte) (bool, error) {
		empty = false
		return false, nil
	})
	if err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("%w: entries without a schema record", ErrSchema)
	}
	proof, err := root.Seal(proofPurpose, nil, []byte(proofText))
	if err != nil {
		return fmt.Errorf("sealing proof of the root key: %w", err)
	}
	value, err := json.Marshal(schemaRecord{Version: SchemaVersion, Created: instant(now)})
	if err != nil {
		return fmt.Errorf("encoding schema record: %w", err)
	}
	return errors.Join(tx.set(schemaKey, value), tx.set(proofKey, proof))
}
