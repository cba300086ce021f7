package audit

import (
	"time"

	"github.com/keyreeve/keyreeve/engine/sts"
)

// The STS actions have inputs in Go's spelling; these are their shapes as
// CloudTrail records them. CloudTrail also shows the session token: a bearer
// secret that has no place in a log (CT-075).
type (
	assumeRoleRequest struct {
		RoleArn, RoleSessionName string
		Policy                   *string
		PolicyArns               []policyArn
		DurationSeconds          int
		Tags                     []sts.Tag
		TransitiveTagKeys        []string
		ExternalId               *string
		SourceIdentity           *string
		SerialNumber             *string
	}
	policyArn         struct{ Arn string }
	assumeRoleElement struct {
		Credentials      issued
		AssumedRoleUser  assumedRole
		SourceIdentity   *string
		PackedPolicySize *int
	}
	issued struct {
		AccessKeyId string
		Expiration  time.Time
	}
	assumedRole           struct{ AssumedRoleId, Arn string }
	getSessionTokenResult struct{ Credentials issued }
	forwardTokenRequest   struct {
		Service string
		Region  *string
	}
	forwardTokenResult  struct{ Expiration time.Time }
	sessionTokenRequest struct {
		DurationSeconds int
		SerialNumber    *string
	}
)

// All are read-only in CloudTrail: they change nothing that is kept.
var stsRows = map[string]row{
	sts.AssumeRole: {in: assumeRoleRequest{}, out: assumeRoleElement{}, readOnly: true, resources: otherKind,
		keep:   "roleArn roleSessionName policy policyArns durationSeconds tags transitiveTagKeys externalId sourceIdentity serialNumber",
		answer: "credentials assumedRoleUser sourceIdentity packedPolicySize"},
	sts.CreateForwardToken: {in: forwardTokenRequest{}, out: forwardTokenResult{}, readOnly: true, resources: absent,
		keep: "service region", answer: "expiration"},
	sts.DecodeAuthorizationMessage: {in: sts.DecodeAuthorizationMessageInput{}, drop: "encodedMessage", readOnly: true, resources: absent},
	sts.GetCallerIdentity:          {in: sts.GetCallerIdentityInput{}, readOnly: true, resources: absent},
	sts.GetSessionToken: {in: sessionTokenRequest{}, out: getSessionTokenResult{}, readOnly: true, resources: absent,
		keep: "durationSeconds serialNumber", answer: "credentials"},
}

// recorded returns v in the shape that the table knows: v itself but for the
// inputs and outputs of STS.
func recorded(v any) any {
	switch v := v.(type) {
	case *sts.AssumeRoleInput:
		r := &assumeRoleRequest{
			RoleArn: v.RoleARN, RoleSessionName: v.RoleSessionName, Policy: set(v.Policy), DurationSeconds: v.DurationSeconds, Tags: v.Tags,
			TransitiveTagKeys: v.TransitiveTagKeys, ExternalId: set(v.ExternalID), SourceIdentity: set(v.SourceIdentity), SerialNumber: set(v.SerialNumber),
		}
		for _, arn := range v.PolicyARNs {
			r.PolicyArns = append(r.PolicyArns, policyArn{arn})
		}
		return r
	case *sts.AssumeRoleOutput:
		r := &assumeRoleElement{
			Credentials: issued{v.Credentials.AccessKeyID, v.Credentials.Expires}, AssumedRoleUser: assumedRole{v.AssumedRoleID, v.AssumedRoleARN},
			SourceIdentity: set(v.SourceIdentity),
		}
		if v.Packed {
			r.PackedPolicySize = &v.Credentials.PackedSize
		}
		return r
	case *sts.GetSessionTokenInput:
		return &sessionTokenRequest{DurationSeconds: v.DurationSeconds, SerialNumber: set(v.SerialNumber)}
	case *sts.GetSessionTokenOutput:
		return &getSessionTokenResult{issued{v.Credentials.AccessKeyID, v.Credentials.Expires}}
	case *sts.CreateForwardTokenInput:
		return &forwardTokenRequest{Service: v.Service, Region: set(v.Region)}
	case *sts.CreateForwardTokenOutput:
		return &forwardTokenResult{v.Expires}
	default:
		return v
	}
}

func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
