package engine

import (
	"context"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// keyStoreOperations are those on custom key stores, of which there are none
// yet: they are validated, decided and recorded as all others.
func keyStoreOperations() []row {
	return []row{
		onKeyStore("ConnectCustomKeyStore", Writes, func(s *Scope, in *wire.ConnectCustomKeyStoreInput) (*wire.ConnectCustomKeyStoreOutput, error) {
			return nil, errKeyStore(in.CustomKeyStoreId)
		}),
		onKeyStore("CreateCustomKeyStore", Writes, func(*Scope, *wire.CreateCustomKeyStoreInput) (*wire.CreateCustomKeyStoreOutput, error) {
			return nil, wire.Errorf(wire.UnsupportedOperation, "keyreeve does not offer custom key stores yet.")
		}),
		onKeyStore("DeleteCustomKeyStore", Writes, func(s *Scope, in *wire.DeleteCustomKeyStoreInput) (*wire.DeleteCustomKeyStoreOutput, error) {
			return nil, errKeyStore(in.CustomKeyStoreId)
		}),
		onKeyStore("DescribeCustomKeyStores", Reads, describeCustomKeyStores),
		onKeyStore("DisconnectCustomKeyStore", Writes, func(s *Scope, in *wire.DisconnectCustomKeyStoreInput) (*wire.DisconnectCustomKeyStoreOutput, error) {
			return nil, errKeyStore(in.CustomKeyStoreId)
		}),
		onKeyStore("UpdateCustomKeyStore", Writes, func(s *Scope, in *wire.UpdateCustomKeyStoreInput) (*wire.UpdateCustomKeyStoreOutput, error) {
			return nil, errKeyStore(in.CustomKeyStoreId)
		}),
	}
}

// onKeyStore makes the row of an operation on custom key stores: a store is no
// resource that policies could name (CK-014).
func onKeyStore[In, Out any](name string, effect Effect, run func(*Scope, *In) (*Out, error)) row {
	return define(Operation[In, Out]{
		Name: name, Effect: effect,
		Checks: func(s *Scope, _ *In) ([]Check, error) {
			return []Check{s.onNothing("kms:"+name, condition.Side{})}, nil
		},
		Run: func(_ context.Context, s *Scope, in *In) (*Out, error) { return run(s, in) },
	})
}

func errKeyStore(id string) error {
	return wire.Errorf(wire.CustomKeyStoreNotFound, "The custom key store %s does not exist.", id)
}

// describeCustomKeyStores lists none, and does not find one that is named.
func describeCustomKeyStores(s *Scope, in *wire.DescribeCustomKeyStoresInput) (*wire.DescribeCustomKeyStoresOutput, error) {
	switch {
	case in.CustomKeyStoreId != nil && in.CustomKeyStoreName != nil:
		return nil, wire.Errorf(wire.Validation, "You can specify CustomKeyStoreId or CustomKeyStoreName, but not both.")
	case in.CustomKeyStoreId != nil:
		return nil, errKeyStore(*in.CustomKeyStoreId)
	case in.CustomKeyStoreName != nil:
		return nil, errKeyStore(*in.CustomKeyStoreName)
	}
	if _, err := s.page("DescribeCustomKeyStores", "", in.Limit, in.Marker); err != nil {
		return nil, err
	}
	return &wire.DescribeCustomKeyStoresOutput{CustomKeyStores: []wire.CustomKeyStoresListEntry{}, Truncated: new(false)}, nil
}
