package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// tags makes tags of key, value, key, value …
func tags(words ...string) []types.Tag {
	var list []types.Tag
	for i := 0; i < len(words); i += 2 {
		list = append(list, types.Tag{TagKey: &words[i], TagValue: &words[i+1]})
	}
	return list
}

// numbered makes n tags.
func numbered(n int) []types.Tag {
	var list []types.Tag
	for i := range n {
		list = append(list, types.Tag{TagKey: aws.String(fmt.Sprintf("key%02d", i)), TagValue: aws.String("v")})
	}
	return list
}

func (b bench) tagsOf(key string) []types.Tag {
	b.t.Helper()
	out, err := b.as(alice).ListResourceTags(b.ctx, &kms.ListResourceTagsInput{KeyId: &key})
	require.NoError(b.t, err)
	return out.Tags
}

func TestTagsAreAddedOverwrittenAndRemoved(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	tag := func(list []types.Tag) func() error {
		return func() error {
			return second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: aws.String(id(key)), Tags: list}))
		}
	}
	untag := func(names ...string) func() error {
		return func() error {
			return second(b.as(alice).UntagResource(b.ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: append([]string{}, names...)}))
		}
	}
	answers(t, []ask{
		{"two", tag(tags("team", "red", "empty", "")), "ok"},
		{"one again and a new one (TAG-08)", tag(tags("team", "blue", "Team", "green")), "ok"},
	})
	assert.Equal(t, tags("Team", "green", "empty", "", "team", "blue"), b.tagsOf(key), "TAG-04: keys differ by case")
	answers(t, []ask{
		{"one that is there and one that is not (TAG-09)", untag("team", "absent"), "ok"},
		{"none (TAG-10)", untag(), "ValidationException: At least one tag key is required."},
		{"none to add (TAG-10)", tag([]types.Tag{}), "ValidationException: At least one tag is required."},
	})
	assert.Equal(t, tags("Team", "green", "empty", ""), b.tagsOf(key))
	b.arrange(fixture{key: key}, types.KeyStateDisabled)
	answers(t, []ask{{"a disabled key may be tagged (TAG-02)", tag(tags("off", "yes")), "ok"}})
}

func TestTagsThatAreRefused(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		tags []types.Tag
		want string
	}{
		{"a key twice (TAG-05)", tags("team", "red", "team", "red"), "TagException: Duplicate tag keys"},
		{"a reserved key (TAG-06)", tags("aws:team", "red"), "TagException: Tags beginning with aws: are reserved"},
		{"a reserved key in other case", tags("Aws:team", "red"), "TagException: Tags beginning with aws: are reserved"},
		{"51 tags (TAG-07, AMB-30)", numbered(51), "TagException: Too many tags"},
		{"a key that is too long", tags(strings.Repeat("k", 129), ""), "ValidationException: 1 validation error detected: Value '" +
			strings.Repeat("k", 129) + "' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{"an empty key", tags("", "v"), "ValidationException: 1 validation error detected: Value '' at 'tags.1.member.tagKey' " +
			"failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"a value that is too long", tags("k", strings.Repeat("v", 257)), "ValidationException: 1 validation error detected: Value '" +
			strings.Repeat("v", 257) + "' at 'tags.1.member.tagValue' failed to satisfy constraint: Member must have length less than or equal to 256"},
	} {
		key := b.newKey("")
		assert.Equal(t, c.want, said(second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: c.tags}))), "TagResource: %s", c.name)
		assert.Empty(t, b.tagsOf(key), c.name)
		assert.Equal(t, c.want, said(second(b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{Tags: c.tags}))), "CreateKey: %s", c.name)
	}
	key := b.newKey("")
	require.NoError(t, second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: numbered(50)})))
	assert.Equal(t, "TagException: Too many tags",
		said(second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags("one", "more")}))), "the 51st (TAG-03)")
	assert.Equal(t, "ok", said(second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags("key07", "new")}))), "one of the 50")
}

// tagWorld has users whose policies look at tags: A-21, TAG-13 to TAG-18, A-45.
const tagWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      admin:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAADMIN: secret}
      red:
        tags: {team: red}
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:DescribeKey", Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}]}}
        access-keys: {AKIARED: secret}
      untagged:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:DescribeKey", Resource: "*", Condition: {"Null": {"aws:ResourceTag/team": "true"}}}]}}
        access-keys: {AKIAUNTAGGED: secret}
      tagger:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: ["kms:TagResource", "kms:CreateKey"], Resource: "*", Condition: {StringEquals: {"aws:RequestTag/team": red}, "ForAllValues:StringEquals": {"aws:TagKeys": [team, env]}}},
          {Effect: Allow, Action: "kms:UntagResource", Resource: "*", Condition: {"ForAnyValue:StringEquals": {"aws:TagKeys": env}}}]}}
        access-keys: {AKIATAGGER: secret}
      creator:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:CreateKey", Resource: "*"},
          {Effect: Allow, Action: "kms:TagResource", Resource: "arn:aws:kms:*:111122223333:key/*"}]}}
        access-keys: {AKIACREATOR: secret}
`

func TestTagsInPolicies(t *testing.T) {
	k := enginetest.New(t, enginetest.Config{World: tagWorld})
	ctx := t.Context()
	as := func(name string) *kms.Client {
		return k.KMS(enginetest.Keys{ID: "AKIA" + strings.ToUpper(name), Secret: "secret"}, region)
	}
	create := func(who string, list ...types.Tag) (string, error) {
		out, err := as(who).CreateKey(ctx, &kms.CreateKeyInput{Tags: list})
		if err != nil {
			return "", err
		}
		return *out.KeyMetadata.Arn, nil
	}
	red, err := create("admin", tags("team", "red")...)
	require.NoError(t, err)
	blue, err := create("admin", tags("Team", "blue")...)
	require.NoError(t, err)
	bare, err := create("admin")
	require.NoError(t, err)
	describe := func(who, key string) string {
		return said(second(as(who).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &key})))
	}
	refused := func(who, action, resource string) string {
		return "AccessDeniedException: User: arn:aws:iam::111122223333:user/" + who + " is not authorized to perform: kms:" + action +
			resource + " because no identity-based policy allows the kms:" + action + " action"
	}
	on := func(key string) string { return " on resource: " + key }
	assert.Equal(t, "ok", describe("red", red), "the tag of the key is that of the caller")
	assert.Equal(t, refused("red", "DescribeKey", on(blue)), describe("red", blue))
	assert.Equal(t, refused("red", "DescribeKey", on(bare)), describe("red", bare))
	assert.Equal(t, "ok", describe("untagged", bare), "TAG-18")
	assert.Equal(t, refused("untagged", "DescribeKey", on(blue)), describe("untagged", blue), "names of tags are equal in any case in conditions")

	tag := func(who, key string, list ...types.Tag) string {
		return said(second(as(who).TagResource(ctx, &kms.TagResourceInput{KeyId: &key, Tags: list})))
	}
	assert.Equal(t, "ok", tag("tagger", bare, tags("team", "red", "env", "x")...))
	assert.Equal(t, refused("tagger", "TagResource", on(bare)), tag("tagger", bare, tags("team", "red", "other", "x")...), "aws:TagKeys")
	assert.Equal(t, refused("tagger", "TagResource", on(bare)), tag("tagger", bare, tags("team", "blue")...), "aws:RequestTag")
	assert.Equal(t, refused("tagger", "TagResource", on(bare)), tag("tagger", bare, tags("team", "red", "TEAM", "blue")...), "aws:TagKeys")
	untag := func(names ...string) string {
		return said(second(as("tagger").UntagResource(ctx, &kms.UntagResourceInput{KeyId: &bare, TagKeys: names})))
	}
	assert.Equal(t, "ok", untag("env"))
	assert.Equal(t, refused("tagger", "UntagResource", on(bare)), untag("team"))

	_, err = create("tagger", tags("team", "red")...)
	assert.Equal(t, "ok", said(err))
	_, err = create("creator")
	assert.Equal(t, "ok", said(err), "without tags")
	_, err = create("creator", tags("team", "red")...)
	assert.Equal(t, refused("creator", "TagResource", ""), said(err), "TAG-13: kms:TagResource on all keys")
}

// TestResourceTagNeverMatchesInAKeyPolicy: TAG-17, A-21.
func TestResourceTagNeverMatchesInAKeyPolicy(t *testing.T) {
	b := newBench(t)
	const byTag = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},"Action":"kms:DescribeKey","Resource":"*",
		 "Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}]}`
	f := b.newFixture(byTag)
	assert.Equal(t, "AccessDeniedException: User: "+nobodyARN+" is not authorized to perform: kms:DescribeKey on resource: "+f.key+
		" because no identity-based policy allows the kms:DescribeKey action", said(calls["DescribeKey"](b.ctx, b.as(nobody), f)))
}
