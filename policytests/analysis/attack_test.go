package analysis

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// TestWhatARequestCanMeetIsNotProvedAbsent asks of conditions that requests can
// meet whether somebody of another account can.
func TestWhatARequestCanMeetIsNotProvedAbsent(t *testing.T) {
	for name, row := range map[string]struct {
		condition string
		want      State
	}{
		"the Region of the request as a variable":                    {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:RequestedRegion}"}}`, Found},
		"the address as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:SourceIp}"}}`, Found},
		"the time as a variable":                                     {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:CurrentTime}"}}`, Found},
		"the seconds as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:EpochTime}"}}`, Found},
		"the key's account as a variable":                            {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:ResourceAccount}"}}`, Found},
		"a truth value as a variable":                                {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:ViaAWSService}"}}`, Found},
		"two tags in one operand":                                    {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:PrincipalTag/org}/${aws:PrincipalTag/team}"}}`, Found},
		"a variable of the request before a wildcard":                {`{"StringLike":{"aws:username":"${kms:EncryptionContext:v}*"}}`, Found},
		"a user's id as a variable":                                  {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:userid}"}}`, Found},
		"a variable in any case":                                     {`{"StringEqualsIgnoreCase":{"aws:username":"${kms:EncryptionContext:v}"},"StringNotEquals":{"kms:EncryptionContext:v":"any-user"}}`, Found},
		"a variable as a name of the encryption context":             {`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"${aws:username}"}}`, Unknown},
		"another spelling of a number":                               {`{"NumericEquals":{"kms:EncryptionContext:u":"5"},"StringNotEquals":{"kms:EncryptionContext:u":"5"}}`, Unknown},
		"another spelling of a date":                                 {`{"DateEquals":{"kms:EncryptionContext:u":"2020-01-01"},"StringNotLike":{"kms:EncryptionContext:u":"2020*"}}`, Unknown},
		"another spelling of a truth value":                          {`{"Bool":{"kms:EncryptionContext:u":"true"},"StringLike":{"kms:EncryptionContext:u":"T*"}}`, Unknown},
		"an address that is not like a text":                         {`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringNotLike":{"aws:SourceIp":"10.0.*"}}`, Unknown},
		"a time that is like a text":                                 {`{"StringLike":{"aws:CurrentTime":"*T03:*"}}`, Unknown},
		"an age that is like a text":                                 {`{"StringEquals":{"aws:MultiFactorAuthAge":"11"}}`, Unknown},
		"a spelling that is none of two":                             {`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:u":"abc"},"StringNotEquals":{"kms:EncryptionContext:u":["abc","ABC"]}}`, Unknown},
		"a number between whole ones":                                {`{"NumericGreaterThan":{"kms:EncryptionContext:u":"5"},"NumericLessThan":{"kms:EncryptionContext:u":"6"}}`, Found},
		"roles of a name in any account":                             {`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin*"}}`, Found},
		"accounts like a number":                                     {`{"StringLike":{"kms:CallerAccount":"3333222233*"}}`, Found},
		"accounts unlike that which stands for the public":           {`{"StringNotLike":{"aws:PrincipalAccount":["9*","1*"]}}`, Found},
		"users of a name":                                            {`{"StringEquals":{"aws:username":"root-admin"}}`, Found},
		"accounts by a part of their number, in an ARN":              {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*7:role/x*"}}`, Found},
		"a federated user":                                           {`{"StringEquals":{"aws:PrincipalType":"FederatedUser"}}`, Found},
		"a federated user by name, in any account":                   {`{"StringLike":{"aws:PrincipalArn":"arn:aws:sts::*:federated-user/guest*"}}`, Found},
		"a federated user's session of today":                        {`{"StringEquals":{"aws:PrincipalType":"FederatedUser"},"DateGreaterThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}`, Found},
		"whom a provider has identified":                             {`{"StringEquals":{"accounts.google.com:sub":"1234"}}`, Found},
		"whom a provider has identified, and who it is":              {`{"StringLike":{"token.actions.githubusercontent.com:sub":"repo:corp/*"},"StringLikeIfExists":{"aws:FederatedProvider":"arn:aws:iam::*"}}`, Found},
		"root users of accounts like a number":                       {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::3*:root"}}`, Found},
		"root users by their id":                                     {`{"StringLike":{"aws:userid":"4444*"}}`, Found},
		"a federated user by its id":                                 {`{"StringLike":{"aws:userid":"3*:guest*"}}`, Found},
		"nobody, for ids of sessions are not those of root users":    {`{"StringLike":{"aws:userid":"AROA*"},"StringEquals":{"aws:PrincipalType":"Account"}}`, Proved},
		"a service that is neither of two":                           {`{"ForAnyValue:StringNotLike":{"aws:CalledVia":["e*.amazonaws.com","s3.amazonaws.com"]}}`, Found},
		"three services, one between the others":                     {`{"StringEquals":{"aws:CalledViaFirst":"cloudformation.amazonaws.com","aws:CalledViaLast":"s3.amazonaws.com"},"ForAnyValue:StringEquals":{"aws:CalledVia":"athena.amazonaws.com"}}`, Found},
		"services that call from an address":                         {`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Bool":{"aws:ViaAWSService":"true"}}`, Found},
		"what comes with the role of an instance":                    {`{"StringEquals":{"aws:Ec2InstanceSourceVpc":"vpc-0123456789abcdef0"}}`, Unknown},
		"whose the endpoint is":                                      {`{"StringEquals":{"aws:VpceAccount":"111122223333"}}`, Unknown},
		"for which function a role is":                               {`{"ArnLike":{"lambda:SourceFunctionArn":"arn:aws:lambda:*:*:function:*"}}`, Unknown},
		"what a provider says beside whom it has identified":         {`{"StringEquals":{"cognito-identity.amazonaws.com:aud":"x"}}`, Unknown},
		"nobody, for there is no such key":                           {`{"StringEquals":{"aws:PrincipalOrgI":"x"}}`, Proved},
		"two spellings of one name":                                  {`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["dept","Dept"]},"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"dept"},"ForAnyValue:StringLike":{"kms:EncryptionContextKeys":"Dept"}}`, Found},
		"nobody, for two values are never one":                       {`{"StringEquals":{"kms:EncryptionContext:dept":"a"},"StringLike":{"kms:EncryptionContext:Dept":"b*"}}`, Proved},
		"a value that is empty":                                      {`{"StringNotLike":{"kms:EncryptionContext:u":"?*"},"Null":{"kms:EncryptionContext:u":"false"}}`, Found},
		"a service of a source elsewhere":                            {`{"ArnLike":{"aws:SourceArn":"arn:aws-cn:s3:*:444455556666:*"}}`, Found},
		"a service by its name in a Region":                          {`{"ForAnyValue:StringLike":{"aws:PrincipalServiceNamesList":"l*.us-east-1.amazonaws.com"}}`, Found},
		"a provider that an account has registered":                  {`{"ArnEquals":{"aws:FederatedProvider":"arn:aws:iam::*:oidc-provider/*"}}`, Found},
		"a user of a name and a path":                                {`{"StringLike":{"aws:username":"a*"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/eng/*"}}`, Found},
		"roles of a path, in any account":                            {`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}}`, Found},
		"roles of a path, in one account":                            {`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/team/*"}}`, Found},
		"roles of a path below another":                              {`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a/b/*"}}`, Found},
		"roles of paths like a name":                                 {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/t*/*"}}`, Found},
		"users of a path, in any account":                            {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/eng/*"}}`, Found},
		"a name that is asked for with and without a path":           {`{"StringEquals":{"aws:username":"bob"},"StringNotLike":{"aws:PrincipalArn":"*:user/bob"}}`, Found},
		"an account that the request names":                          {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::${kms:EncryptionContext:a}:role/admin"}}`, Found},
		"a caller whose name is that of its account":                 {`{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/${aws:PrincipalAccount}"}}`, Unknown},
		"organizations like a name":                                  {`{"StringLike":{"aws:PrincipalOrgID":"o-ab*"}}`, Found},
		"units like a name, in any organization":                     {`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a*/r-ab12/ou-ab12-*"}}`, Found},
		"nobody, for the organization is named":                      {`{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg"},"Null":{"aws:PrincipalOrgID":"true"}}`, Proved},
		"nobody, for a text cannot be two":                           {`{"StringEquals":{"kms:EncryptionContext:u":"a"},"StringLike":{"kms:EncryptionContext:u":"b*"}}`, Proved},
		"nobody, for no number is between":                           {`{"NumericGreaterThan":{"kms:EncryptionContext:u":"6"},"NumericLessThan":{"kms:EncryptionContext:u":"5"}}`, Proved},
		"nobody, for the variable is of no caller of other accounts": {`{"StringEquals":{"kms:EncryptionContext:u":"${aws:PrincipalTag/org}","kms:CallerAccount":"111122223333"}}`, Proved},
	} {
		d := parse(t, policy.Key, full(says("Allow", `"*"`, `"kms:Decrypt"`, row.condition)))
		u, err := OfDocument(Loose{Document: d, Account: "111122223333"}, Config{})
		require.NoError(t, err)
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool { return c.Account != "111122223333" }})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, a.State, "%s: %s", name, a.Why)
	}
}

// TestStrangersOfAWorldAreNotProvedAbsent asks the same of a world's key, of
// which only its own account is known.
func TestStrangersOfAWorldAreNotProvedAbsent(t *testing.T) {
	for name, row := range map[string]struct {
		condition string
		want      State
	}{
		"tags":                                 {`{StringEquals: {"aws:PrincipalTag/team": red}}`, Found},
		"a tag that is there":                  {`{"Null": {"aws:PrincipalTag/team": "false"}}`, Found},
		"a kind of principal":                  {`{StringEquals: {"aws:PrincipalType": FederatedUser}}`, Found},
		"a provider":                           {`{StringEquals: {"aws:FederatedProvider": accounts.google.com}}`, Found},
		"whom a provider has identified":       {`{StringEquals: {"accounts.google.com:sub": "1"}}`, Found},
		"roles of a path":                      {`{ArnLike: {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}`, Found},
		"roles of two paths":                   {`{ArnLike: {"aws:PrincipalArn": "arn:aws:iam::*:role/t*/e?/*"}}`, Found},
		"an organization like a name":          {`{StringLike: {"aws:PrincipalOrgID": "o-ex*"}}`, Found},
		"the tag of the request":               {`{StringEquals: {"aws:PrincipalTag/team": "${kms:EncryptionContext:team}"}}`, Found},
		"a variable in the caller's ARN":       {`{StringLike: {"aws:PrincipalArn": "arn:aws:iam::*:role/${kms:EncryptionContext:r}-admin"}}`, Found},
		"nobody, for the organization is ours": {`{StringEquals: {"aws:PrincipalOrgID": o-exampleorg}}`, Proved},
		"nobody, for services have no tags":    {`{StringEquals: {"aws:PrincipalTag/team": red, "aws:PrincipalType": Service}}`, Proved},
	} {
		text := strings.Replace(exampleWorld, `{Effect: Deny, Principal: "*", Action: "kms:GenerateDataKey", Resource: "*"}`,
			`{Effect: Allow, Principal: "*", Action: "kms:Decrypt", Resource: "*", Condition: `+row.condition+`}`, 1)
		w := loadWorld(t, text)
		u, err := OfKey(w, w.Keys()[0], Config{})
		require.NoError(t, err)
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool { return c.Outside }})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, a.State, "%s: %s", name, a.Why)
	}
}

// TestMembersOfAnOrganizationAreOthers asks who of an account that nobody names,
// but of an organization that policies name, is let in.
func TestMembersOfAnOrganizationAreOthers(t *testing.T) {
	for name, row := range map[string]struct {
		condition string
		want      State
	}{
		"of another organization":                 {`{StringEquals: {"aws:PrincipalOrgID": o-otherorgxx}}`, Found},
		"of the same organization":                {`{StringEquals: {"aws:PrincipalOrgID": o-exampleorg}}`, Found},
		"of the organization of the key":          {`{StringEquals: {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}`, Found},
		"of a unit":                               {`{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorg/r-ab12/ou-ab12-11111111/*"}}`, Found},
		"whose organization the request names":    {`{StringEquals: {"kms:EncryptionContext:o": "${aws:PrincipalOrgID}"}}`, Found},
		"nobody, for the account is that of ours": {`{StringEquals: {"aws:PrincipalOrgID": o-exampleorg, "aws:PrincipalAccount": "111122223333"}}`, Proved},
	} {
		text := strings.Replace(exampleWorld, `{Effect: Deny, Principal: "*", Action: "kms:GenerateDataKey", Resource: "*"}`,
			`{Effect: Allow, Principal: "*", Action: "kms:Decrypt", Resource: "*", Condition: `+row.condition+`}`, 1)
		w := loadWorld(t, text)
		u, err := OfKey(w, w.Keys()[0], Config{})
		require.NoError(t, err)
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool { return c.Member }})
		require.NoError(t, err, name)
		assert.Equal(t, row.want, a.State, "%s: %s", name, a.Why)
	}
}

// TestGrantsForResourcesOfServicesAreToldApart: who calls last does not say
// whether a grant is for a resource of a service.
func TestGrantsForResourcesOfServicesAreToldApart(t *testing.T) {
	d := parse(t, policy.Key, full(says("Allow", `"*"`, `"kms:CreateGrant"`, `{"StringLike":{"kms:ViaService":"s3.*"},"Bool":{"kms:GrantIsForAWSResource":"false"}}`)))
	u, err := OfDocument(Loose{Document: d, Account: "111122223333"}, Config{})
	require.NoError(t, err)
	a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:CreateGrant"}})
	require.NoError(t, err)
	assert.Equal(t, Found, a.State, a.Why)
}

// TestServicesThatAWorldDoesNotListAreNotProvedAbsent asks who is let in by a
// policy that names a service, or what services are.
func TestServicesThatAWorldDoesNotListAreNotProvedAbsent(t *testing.T) {
	for name, says := range map[string]string{
		"by name":          `Principal: {Service: backup.amazonaws.com}`,
		"by what they are": `Principal: "*", Condition: {Bool: {"aws:PrincipalIsAWSService": "true"}}`,
		"by a condition":   `Principal: "*", Condition: {StringEquals: {"aws:PrincipalServiceName": backup.amazonaws.com}}`,
	} {
		text := strings.Replace(exampleWorld, `{Effect: Deny, Principal: "*", Action: "kms:GenerateDataKey", Resource: "*"}`,
			`{Effect: Allow, Action: "kms:Decrypt", Resource: "*", `+says+`}`, 1)
		w := loadWorld(t, text)
		u, err := OfKey(w, w.Keys()[0], Config{})
		require.NoError(t, err)
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool { return c.Type == decision.Service }})
		require.NoError(t, err, name)
		assert.Equal(t, Found, a.State, "%s: %s", name, a.Why)
	}
}

// TestRetiringGrantsIsNotProvedAbsent asks who may retire a grant of a world.
func TestRetiringGrantsIsNotProvedAbsent(t *testing.T) {
	w := loadWorld(t, exampleWorld)
	for _, k := range w.Keys() {
		u, err := OfKey(w, k, Config{})
		require.NoError(t, err)
		want := Proved
		if len(k.Grants) > 0 {
			want = Unknown
		}
		a, err := Find(t.Context(), Query{Allowed: []*Universe{u}, Actions: []string{"kms:RetireGrant"}})
		require.NoError(t, err)
		assert.Equal(t, want, a.State, "%s: %s", k.Name, a.Why)
	}
}

// TestFurtherWaysAreNotDeniedOnceOneIsFound: the second statement lets nobody
// in that the options show.
func TestFurtherWaysAreNotDeniedOnceOneIsFound(t *testing.T) {
	d := parse(t, policy.Key, full(says("Allow", `"*"`, `"kms:Decrypt"`, `{"StringEquals":{"kms:EncryptionContext:a":"1"}}`)+","+
		says("Allow", `"*"`, `"kms:Decrypt"`, `{"NumericEquals":{"kms:EncryptionContext:u":"5"},"StringNotEquals":{"kms:EncryptionContext:u":"5"}}`)))
	u, err := OfDocument(Loose{Document: d, Account: "111122223333"}, Config{})
	require.NoError(t, err)
	for _, c := range u.Callers() {
		if c.Name == "user/any-user@111122223333" {
			access, err := u.Access(t.Context(), c, "kms:Decrypt")
			require.NoError(t, err)
			assert.NotEmpty(t, access.Ways)
			assert.Contains(t, access.Unknown, "kms:encryptioncontext:u", c.Variation)
		}
	}
}
