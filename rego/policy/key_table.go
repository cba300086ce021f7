package policy

import (
	"fmt"
	"slices"
	"strings"
)

// ConditionKeys of A-43 and those of iam, saml and sts that roles meet, sorted
// by name. Keys of other prefixes, and names that stand in no row, are accepted
// in documents and held by no request.
var ConditionKeys = keyTable(kmsKeys, attestationRows(), principalKeys, requestKeys, resourceOwnerKeys, sessionKeys)

var kmsKeys = []ConditionKey{
	{Name: "kms:BypassPolicyLockoutSafetyCheck", Type: BoolType},
	{Name: "kms:CallerAccount", Type: StringType},
	{Name: "kms:CustomerMasterKeySpec", Type: StringType},
	{Name: "kms:CustomerMasterKeyUsage", Type: StringType},
	{Name: "kms:DataKeyPairSpec", Type: StringType},
	{Name: "kms:EncryptionAlgorithm", Type: StringType},
	{Name: "kms:EncryptionContext:", Type: StringType, Also: ARNType},
	{Name: "kms:EncryptionContextKeys", Type: StringType, Many: true},
	{Name: "kms:ExpirationModel", Type: StringType},
	{Name: "kms:GrantConstraintSourceArn", Type: ARNType},
	{Name: "kms:GrantConstraintType", Type: StringType},
	{Name: "kms:GrantIsForAWSResource", Type: BoolType},
	{Name: "kms:GrantOperations", Type: StringType, Many: true},
	{Name: "kms:GranteePrincipal", Type: StringType, Also: ARNType},
	{Name: "kms:GranteeServicePrincipal", Type: StringType},
	{Name: "kms:KeyAgreementAlgorithm", Type: StringType},
	{Name: "kms:KeyOrigin", Type: StringType},
	{Name: "kms:KeySpec", Type: StringType},
	{Name: "kms:KeyUsage", Type: StringType},
	{Name: "kms:MacAlgorithm", Type: StringType},
	{Name: "kms:MessageType", Type: StringType},
	{Name: "kms:MultiRegion", Type: BoolType},
	{Name: "kms:MultiRegionKeyType", Type: StringType},
	{Name: "kms:PrimaryRegion", Type: StringType},
	{Name: "kms:ReEncryptOnSameKey", Type: BoolType},
	{Name: "kms:ReplicaRegion", Type: StringType},
	{Name: "kms:RequestAlias", Type: StringType},
	{Name: "kms:ResourceAliases", Type: StringType, Many: true},
	{Name: "kms:RetiringPrincipal", Type: StringType, Also: ARNType},
	{Name: "kms:RetiringServicePrincipal", Type: StringType},
	{Name: "kms:RotationPeriodInDays", Type: NumericType},
	{Name: "kms:ScheduleKeyDeletionPendingWindowInDays", Type: NumericType},
	{Name: "kms:SigningAlgorithm", Type: StringType},
	{Name: "kms:TrailingDaysWithoutKeyUsage", Type: NumericType},
	{Name: "kms:ValidTo", Type: DateType, Also: NumericType},
	{Name: "kms:ViaService", Type: StringType},
	{Name: "kms:WrappingAlgorithm", Type: StringType},
	{Name: "kms:WrappingKeySpec", Type: StringType},
}

// principalKeys and the tables after it hold the global keys.
var principalKeys = []ConditionKey{
	{Name: "aws:PrincipalAccount", Type: StringType, Global: true},
	{Name: "aws:PrincipalArn", Type: ARNType, Global: true},
	{Name: "aws:PrincipalIsAWSService", Type: BoolType, Global: true},
	{Name: "aws:PrincipalOrgID", Type: StringType, Global: true},
	{Name: "aws:PrincipalOrgPaths", Type: StringType, Many: true, Global: true},
	{Name: "aws:PrincipalServiceName", Type: StringType, Global: true},
	{Name: "aws:PrincipalServiceNamesList", Type: StringType, Many: true, Global: true},
	{Name: "aws:PrincipalTag/", Type: StringType, Global: true},
	{Name: "aws:PrincipalType", Type: StringType, Global: true},
	{Name: "aws:userid", Type: StringType, Global: true},
	{Name: "aws:username", Type: StringType, Global: true},
}

var requestKeys = []ConditionKey{
	{Name: "aws:CalledVia", Type: StringType, Many: true, Global: true},
	{Name: "aws:CalledViaFirst", Type: StringType, Global: true},
	{Name: "aws:CalledViaLast", Type: StringType, Global: true},
	{Name: "aws:CurrentTime", Type: DateType, Also: NumericType, Global: true},
	{Name: "aws:EpochTime", Type: DateType, Also: NumericType, Global: true},
	{Name: "aws:Referer", Type: StringType, Global: true},
	{Name: "aws:RequestTag/", Type: StringType},
	{Name: "aws:RequestedRegion", Type: StringType, Global: true},
	{Name: "aws:SecureTransport", Type: BoolType, Global: true},
	{Name: "aws:SourceAccount", Type: StringType, Global: true},
	{Name: "aws:SourceArn", Type: ARNType, Global: true},
	{Name: "aws:SourceIp", Type: IPType, Global: true},
	{Name: "aws:SourceOrgID", Type: StringType, Global: true},
	{Name: "aws:SourceOrgPaths", Type: StringType, Many: true, Global: true},
	{Name: "aws:SourceVpc", Type: StringType, Global: true},
	{Name: "aws:SourceVpce", Type: StringType, Global: true},
	{Name: "aws:TagKeys", Type: StringType, Many: true},
	{Name: "aws:UserAgent", Type: StringType, Global: true},
	{Name: "aws:ViaAWSService", Type: BoolType, Global: true},
	{Name: "aws:VpcSourceIp", Type: IPType, Global: true},
	{Name: "aws:VpceAccount", Type: StringType, Global: true, Absent: true},
	{Name: "aws:VpceOrgID", Type: StringType, Global: true, Absent: true},
	{Name: "aws:VpceOrgPaths", Type: StringType, Many: true, Global: true, Absent: true},
}

var resourceOwnerKeys = []ConditionKey{
	{Name: "aws:ResourceAccount", Type: StringType, Global: true},
	{Name: "aws:ResourceOrgID", Type: StringType, Global: true},
	{Name: "aws:ResourceOrgPaths", Type: StringType, Many: true, Global: true},
	{Name: "aws:ResourceTag/", Type: StringType},
}

var sessionKeys = []ConditionKey{
	{Name: "aws:AssumedRoot", Type: BoolType, Global: true},
	{Name: "aws:ChatbotSourceArn", Type: ARNType, Global: true, Absent: true},
	{Name: "aws:Ec2InstanceSourcePrivateIPv4", Type: IPType, Global: true, Absent: true},
	{Name: "aws:Ec2InstanceSourceVpc", Type: StringType, Global: true, Absent: true},
	{Name: "aws:FederatedProvider", Type: StringType, Global: true},
	{Name: "aws:MultiFactorAuthAge", Type: NumericType, Global: true},
	{Name: "aws:MultiFactorAuthPresent", Type: BoolType, Global: true},
	{Name: "aws:SourceIdentity", Type: StringType, Global: true},
	{Name: "aws:SourceInstanceARN", Type: ARNType, Global: true, Absent: true},
	{Name: "aws:TokenIssueTime", Type: DateType, Also: NumericType, Global: true},
	{Name: "iam:AWSServiceName", Type: StringType},
	{Name: "saml:", Type: StringType},
	{Name: "sts:ExternalId", Type: StringType},
	{Name: "sts:RoleSessionName", Type: StringType},
	{Name: "sts:SourceIdentity", Type: StringType},
	{Name: "sts:TransitiveTagKeys", Type: StringType, Many: true},
}

// attestationKeys are the measurements of an attestation document: of Nitro
// Enclaves PCR0 to PCR31, of NitroTPM 0 to 23, and the image digest.
var attestationKeys = func() []string {
	names := []string{"kms:RecipientAttestation:ImageSha384"}
	for n := range 24 {
		names = append(names, fmt.Sprintf("kms:RecipientAttestation:NitroTPMPCR%d", n))
	}
	for n := range 32 {
		names = append(names, fmt.Sprintf("kms:RecipientAttestation:PCR%d", n))
	}
	return names
}()

func attestationRows() []ConditionKey {
	rows := make([]ConditionKey, len(attestationKeys))
	for i, name := range attestationKeys {
		rows[i] = ConditionKey{Name: name, Type: StringType}
	}
	return rows
}

func keyTable(tables ...[]ConditionKey) []ConditionKey {
	rows := slices.Concat(tables...)
	slices.SortFunc(rows, func(a, b ConditionKey) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
