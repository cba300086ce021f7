package audit

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// The invented world of the tests.
const (
	testAccount  = "444400001111"
	otherAccount = "555500002222"
	testKeyID    = "7d0c6a52-3f1b-4e7e-9a55-0c2f9d8e1b34"
	testKey      = "arn:aws:kms:eu-central-1:444400001111:key/" + testKeyID
	secondKeyID  = "15b9e0aa-6c41-4d0f-8f5e-2a6b71c3d990"
	secondKey    = "arn:aws:kms:eu-central-1:444400001111:key/" + secondKeyID
	foreignKey   = "arn:aws:kms:eu-central-1:555500002222:key/0c2f9d8e-6a52-4e7e-9a55-3f1b7d0c1b34"
	testAlias    = "arn:aws:kms:eu-central-1:444400001111:alias/ledger"
	mrk          = "mrk-5f2c9be07d3a4f6c8a1e0b94d7726c13"
	testEventID  = "c9004769-d231-5237-b72f-9d0224190cc1"
	testPolicy   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}`
	grantID      = "3492ad65d05a973fef8c825521eeb41ae64625a672a8aeeeabc696e16d62a020"
)

var (
	testTime = time.Date(2026, 11, 23, 9, 8, 7, 0, time.UTC)
	noor     = Identity{
		Kind: User, Account: testAccount, PrincipalID: "AIDAINVENTED00000001", ARN: "arn:aws:iam::444400001111:user/Noor",
		AccessKeyID: "AKIAINVENTED00000001", UserName: "Noor",
	}
	reader = Identity{
		Kind: Role, Account: testAccount, PrincipalID: "AROAINVENTED00000001:sess-7", ARN: "arn:aws:sts::444400001111:assumed-role/Reader/sess-7",
		AccessKeyID: "ASIAINVENTED00000001",
		Session: &Session{Created: testTime.Add(-time.Hour), Issuer: &Issuer{
			Kind: "Role", PrincipalID: "AROAINVENTED00000001", ARN: "arn:aws:iam::444400001111:role/Reader", Account: testAccount, UserName: "Reader",
		}},
	}
	blue = map[string]string{"tenant": "blue", "ledger": "2024-05"}
)

// call is an allowed call of Noor's on the test key.
func call(operation string, in, out any) Call {
	return Call{
		Operation: operation, Region: "eu-central-1", Time: testTime, RequestID: "a52df212-4308-5184-b4da-13420ab56bed", EventID: testEventID,
		Caller: noor, SourceIP: netip.MustParseAddr("198.51.100.23"), UserAgent: "aws-cli/2.31.0",
		TLS:   &wire.TLSDetails{Version: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768", Host: "kms.eu-central-1.amazonaws.com"},
		Input: in, Output: out, Allowed: true, Keys: []string{testKey},
	}
}

func (c Call) with(change func(*Call)) Call {
	change(&c)
	return c
}

func indent(raw []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}

func metadata() *wire.KeyMetadata {
	return &wire.KeyMetadata{
		AWSAccountId: aws.String(testAccount), KeyId: testKeyID, Arn: aws.String(testKey), CreationDate: aws.Time(testTime), Enabled: aws.Bool(true),
		Description: aws.String("ledger root"), KeyUsage: aws.String("ENCRYPT_DECRYPT"), KeyState: aws.String("Enabled"), Origin: aws.String("AWS_KMS"),
		KeyManager: aws.String("CUSTOMER"), CustomerMasterKeySpec: aws.String("SYMMETRIC_DEFAULT"), KeySpec: aws.String("SYMMETRIC_DEFAULT"),
		EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"}, MultiRegion: aws.Bool(false),
	}
}
