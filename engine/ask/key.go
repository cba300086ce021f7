package ask

import (
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/world"
)

// KeyFacts are what condition keys tell of a key that the world describes.
func KeyFacts(k *world.Key) *condition.Key {
	f := &condition.Key{Spec: k.Spec, Usage: k.Usage, Origin: k.Origin, MultiRegion: k.MultiRegion, Tags: k.Tags, Aliases: k.Aliases}
	switch {
	case k.ReplicaOf != "":
		f.MultiRegionKeyType = "REPLICA"
	case k.MultiRegion:
		f.MultiRegionKeyType = "PRIMARY"
	}
	return f
}
