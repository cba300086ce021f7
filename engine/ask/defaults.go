package ask

import (
	"maps"

	"github.com/keyreeve/keyreeve/engine/condition"
)

// defaults are the condition keys of parameters that a request leaves open, by
// action: they hold for defaults too.
var defaults = map[string]condition.Context{
	"kms:Encrypt":                             encryption,
	"kms:Decrypt":                             encryption,
	"kms:ReEncryptFrom":                       reEncryption,
	"kms:ReEncryptTo":                         reEncryption,
	"kms:GenerateDataKey":                     encryption,
	"kms:GenerateDataKeyWithoutPlaintext":     encryption,
	"kms:GenerateDataKeyPair":                 encryption,
	"kms:GenerateDataKeyPairWithoutPlaintext": encryption,
	"kms:Sign":                                keys("kms:MessageType", "RAW"),
	"kms:Verify":                              keys("kms:MessageType", "RAW"),
	"kms:EnableKeyRotation":                   keys("kms:RotationPeriodInDays", "365"),
	"kms:ScheduleKeyDeletion":                 keys("kms:ScheduleKeyDeletionPendingWindowInDays", "30"),
}

var (
	encryption   = keys("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
	reEncryption = keys("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT", "kms:ReEncryptOnSameKey", "false")
)

// keys are names and values in turn.
func keys(pairs ...string) condition.Context {
	c := condition.Context{}
	for i := 0; i < len(pairs); i += 2 {
		c.One(pairs[i], pairs[i+1])
	}
	return c
}

// Defaults are the condition keys of a request for action that names no
// parameters but those that have to be there. The result is the caller's own.
func Defaults(action string) condition.Context {
	c := condition.Context{}
	maps.Copy(c, defaults[action])
	return c
}
