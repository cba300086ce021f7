package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/store"
)

// marked is a world whose access keys are given by the test: it lies apart from
// the data directory. (The example world of --dev keeps its access keys in
// world/credentials.yaml and aws-config, mode 0600, and prints them; that is
// what it is for.)
const marked = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      alice:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAALICE: SECRET-alice}
      bob:
        access-keys: {AKIABOB: SECRET-bob}
    roles:
      payroll:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        trust: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {AWS: 111122223333}, Action: "sts:*"}]}
`

// A secret is something that must stay in memory.
type secret struct {
	what  string
	bytes []byte
}

// forms are the ways in which bytes may stand in a file.
func (s secret) forms() [][]byte {
	upper := []byte(strings.ToUpper(hex.EncodeToString(s.bytes)))
	all := [][]byte{s.bytes, []byte(hex.EncodeToString(s.bytes)), upper}
	for shift := range 3 { // base64 of a text differs with the place of the secret in it
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), s.bytes...))
			all = append(all, []byte(text[4:len(text)-3])) // without what depends on the neighbours
		}
	}
	return all
}

func TestSearchFindsASecretInEachForm(t *testing.T) {
	s := secret{"secret", []byte(rand.Text())}
	for place := range 4 {
		text := append(make([]byte, place), s.bytes...)
		text = append(text, "and more"[:place]...)
		for name, file := range map[string]string{
			"raw": string(text), "hex": hex.EncodeToString(text), "base64": base64.StdEncoding.EncodeToString(text), "base64url": base64.URLEncoding.EncodeToString(text),
		} {
			assert.True(t, slices.ContainsFunc(s.forms(), func(form []byte) bool { return strings.Contains(file, string(form)) }), "%s %d", name, place)
		}
	}
}

// A leakTest gathers secrets while it uses a server.
type leakTest struct {
	*testing.T
	p       *process
	secrets []secret
	label   string // stands in a description, which is no secret: it must be found
}

func (l *leakTest) secret(what string, b []byte) {
	require.GreaterOrEqual(l, len(b), 10, what)
	l.secrets = append(l.secrets, secret{what, b})
}

// mark makes a secret plaintext.
func (l *leakTest) mark(what string) []byte {
	text := []byte(what + " " + rand.Text())
	l.secret(what, text[len(what)+1:])
	return text
}

func TestNoSecretLeavesMemoryUnsealed(t *testing.T) {
	dir := t.TempDir()
	world := filepath.Join(t.TempDir(), "world.txtar")
	l := &leakTest{T: t, label: "description " + rand.Text()}
	text := marked
	for _, user := range []string{"alice", "bob"} {
		secret := rand.Text()
		l.secret("access key of "+user, []byte(secret))
		text = strings.ReplaceAll(text, "SECRET-"+user, secret)
	}
	require.NoError(t, os.WriteFile(world, []byte(text), 0o600))
	require.Zero(t, launch(t, dir, "keyreeve", "create-data", "--data", "data").wait())
	flags := []string{"--data", "data", "--world", world, "--encoded-messages"}

	l.p = serve(t, dir, flags...)
	l.use()
	l.p.kill()
	printed := l.p.Out.String() + l.p.Err.String()
	crashed := filepath.Join(dir, "crashed") // as opening the store changes it
	require.NoError(t, os.Remove(filepath.Join(dir, "data", "events.sock")), "no file, so it cannot be copied")
	require.NoError(t, os.CopyFS(crashed, os.DirFS(filepath.Join(dir, "data"))))
	l.material(filepath.Join(dir, "data"))
	l.search(crashed, printed)

	l.p = serve(t, dir, flags...)
	l.use()
	require.Zero(t, l.p.terminate())
	l.search(filepath.Join(dir, "data"), printed+l.p.Out.String()+l.p.Err.String())
}

// use makes calls that carry secrets, allowed, refused and malformed ones.
func (l *leakTest) use() {
	ctx := l.Context()
	access := keys{"AKIAALICE", string(l.secrets[0].bytes)}
	alice, bob := l.p.client(access), l.p.client(keys{"AKIABOB", string(l.secrets[1].bytes)})
	made, err := alice.CreateKey(ctx, &kms.CreateKeyInput{Description: &l.label})
	require.NoError(l, err)
	key := made.KeyMetadata.Arn

	sealed, err := alice.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: l.mark("plaintext")})
	require.NoError(l, err)
	_, err = alice.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	require.NoError(l, err)
	_, err = alice.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: sealed.CiphertextBlob, DestinationKeyId: key})
	require.NoError(l, err)
	data, err := alice.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: key, KeySpec: types.DataKeySpecAes256})
	require.NoError(l, err)
	l.secret("data key", data.Plaintext)
	random, err := alice.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(32)})
	require.NoError(l, err)
	l.secret("random bytes", random.Plaintext)
	_, err = alice.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: key, GranteePrincipal: aws.String("arn:aws:iam::111122223333:user/bob"), Operations: []types.GrantOperation{"DescribeKey"},
	})
	require.NoError(l, err)

	_, err = bob.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: l.mark("plaintext of a refused call")})
	require.Error(l, err)
	_, err = alice.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: bytes.Repeat(l.mark("plaintext that is too long"), 1000)})
	require.Error(l, err)
	_, err = alice.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String("alias/none"), Plaintext: l.mark("plaintext without a key")})
	require.Error(l, err)
	_, err = alice.Encrypt(ctx, &kms.EncryptInput{KeyId: key, DryRun: aws.Bool(true), Plaintext: l.mark("plaintext of a dry run")})
	require.Error(l, err)
	_, err = l.p.client(keys{"AKIAALICE", "wrong"}).Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: l.mark("plaintext of a forged call")})
	require.Error(l, err)
	l.malformed(access, `{"KeyId": "`+*key+`", "Plaintext": "not base64: `+string(l.mark("malformed plaintext"))+`"}`)
	l.malformed(access, `{"Plaintext": "`+string(l.mark("half a plaintext")))
	l.sessions(access)
}

// sessions obtains credentials, and signs with them.
func (l *leakTest) sessions(access keys) {
	client := sts.New(sts.Options{
		BaseEndpoint: &l.p.URL, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(access.id, access.secret, ""),
	})
	role, err := client.AssumeRole(l.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::111122223333:role/payroll"), RoleSessionName: aws.String("leaks"),
	})
	require.NoError(l, err)
	l.secret("access key of a role session", []byte(*role.Credentials.SecretAccessKey))
	own, err := client.GetSessionToken(l.Context(), &sts.GetSessionTokenInput{})
	require.NoError(l, err)
	l.secret("access key of a session", []byte(*own.Credentials.SecretAccessKey))
	c := role.Credentials
	session := kms.New(l.p.client(access).Options(), func(o *kms.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	})
	_, err = session.ListKeys(l.Context(), &kms.ListKeysInput{})
	require.NoError(l, err)
}

// malformed sends a signed Encrypt with a body that no client would send.
func (l *leakTest) malformed(access keys, body string) {
	r, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.p.URL, strings.NewReader(body))
	require.NoError(l, err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.Encrypt")
	hash := sha256.Sum256([]byte(body))
	signer, c := v4.NewSigner(), aws.Credentials{AccessKeyID: access.id, SecretAccessKey: access.secret}
	require.NoError(l, signer.SignHTTP(l.Context(), c, r, hex.EncodeToString(hash[:]), "kms", "us-east-1", time.Now()))
	answer, err := l.p.http().Do(r)
	require.NoError(l, err)
	defer func() { _ = answer.Body.Close() }() // only read
	assert.Equal(l, http.StatusBadRequest, answer.StatusCode)
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	require.NoError(l, err)
	last := l.secrets[len(l.secrets)-1]
	assert.NotContains(l, text.String(), string(last.bytes), "an answer repeats the %s", last.what)
}

// material opens what the keys of the store are made of.
func (l *leakTest) material(data string) {
	root, err := seal.LoadRootKey(filepath.Join(data, "root.key"))
	require.NoError(l, err)
	text, err := os.ReadFile(filepath.Join(data, "root.key"))
	require.NoError(l, err)
	rootKey, err := hex.DecodeString(strings.Split(string(text), ":")[1])
	require.NoError(l, err)
	l.secret("root key", rootKey)

	s, err := store.Open(store.Config{Dir: filepath.Join(data, "store"), Root: root})
	require.NoError(l, err)
	defer func() { require.NoError(l, s.Close()) }()
	require.NoError(l, s.View(func(tx *store.Tx) error {
		found, _, err := tx.KeysOf("111122223333", "us-east-1", "", 100)
		for _, k := range found {
			for _, m := range k.Materials {
				opened, err := root.Open("software material", place(m.Ref), m.Ref.Sealed)
				require.NoError(l, err)
				l.secret("material of a key", opened.Expose())
			}
		}
		assert.NotEmpty(l, found)
		return err
	}))
}

// place is what the software provider binds sealed material to.
func place(r store.MaterialRef) []byte {
	var b []byte
	for _, part := range []string{r.ID, r.Spec} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return b
}

// search looks for each secret in each file of the data directory, and in what
// the server has printed.
func (l *leakTest) search(data, printed string) {
	files := map[string][]byte{"what was printed": []byte(printed)}
	require.NoError(l, filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path], err = os.ReadFile(path)
		}
		return err
	}))
	described := 0
	for file, content := range files {
		if bytes.Contains(content, []byte(l.label)) {
			described++
		}
		for _, s := range l.secrets {
			if s.what == "root key" && filepath.Base(file) == "root.key" {
				continue // this file is the root key
			}
			for _, form := range s.forms() {
				assert.False(l, bytes.Contains(content, form), "%s stands in %s", s.what, file)
			}
		}
	}
	// Each key's description stands in its record and in its audit event: the
	// search finds what is there.
	assert.Positive(l, described)
	assert.Contains(l, printed, "level=INFO")
	decisions, err := os.ReadFile(filepath.Join(data, "decisions.jsonl"))
	require.NoError(l, err)
	assert.Contains(l, string(decisions), "kms:Encrypt")
}
