package dump

import (
	"context"
	"errors"
	"fmt"
	neturl "net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// FromServer asks a running service that speaks the KMS protocol for its keys,
// with their policies, aliases, tags and grants. Credentials, Region and CA
// bundle come from the environment and the shared files, as AWS's SDKs find
// them. What the caller may not read becomes a note; a key whose policy is not
// known becomes no key of the world.
func FromServer(ctx context.Context, url string) (*Contents, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the environment of AWS's SDK: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("the Region is not known: set AWS_REGION, or AWS_PROFILE to a profile that has one")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("there are no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", err)
	}
	r := reader{c: &Contents{}, client: kms.NewFromConfig(cfg, func(o *kms.Options) { o.BaseEndpoint = &url })}
	if err := r.keys(ctx); err != nil {
		var sending *neturl.Error
		if errors.As(err, &sending) {
			return nil, fmt.Errorf("%s cannot be reached: %w", url, sending.Err)
		}
		return nil, fmt.Errorf("asking %s: %w", url, err)
	}
	if len(r.c.Keys) == 0 {
		return nil, fmt.Errorf("asking %s: there is no key in %s that this caller may see", url, cfg.Region)
	}
	return r.c, nil
}

// A reader asks one service.
type reader struct {
	c      *Contents
	client *kms.Client
}

func (r reader) keys(ctx context.Context) error {
	pages := kms.NewListKeysPaginator(r.client, &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, e := range page.Keys {
			if err := r.key(ctx, aws.ToString(e.KeyArn)); err != nil {
				return err
			}
		}
	}
	return nil
}

// key asks for all about one key.
func (r reader) key(ctx context.Context, arn string) error {
	described, err := r.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	if err != nil {
		return r.unread(err, "key %s is left out: it cannot be described", arn)
	}
	m := described.KeyMetadata
	k := Key{
		AWSAccountId: aws.ToString(m.AWSAccountId), KeyId: aws.ToString(m.KeyId), Arn: aws.ToString(m.Arn), Description: aws.ToString(m.Description),
		KeySpec: string(m.KeySpec), KeyUsage: string(m.KeyUsage), KeyState: string(m.KeyState), KeyManager: string(m.KeyManager),
		Origin: string(m.Origin), MultiRegion: aws.ToBool(m.MultiRegion),
	}
	if set := m.MultiRegionConfiguration; set != nil && set.PrimaryKey != nil {
		k.MultiRegionConfiguration.MultiRegionKeyType = string(set.MultiRegionKeyType)
		k.MultiRegionConfiguration.PrimaryKey.Region = aws.ToString(set.PrimaryKey.Region)
	}
	r.c.account(k.AWSAccountId)
	for _, ask := range []func(context.Context, *Key) error{r.policy, r.aliases, r.tags, r.grants} {
		if err := ask(ctx, &k); err != nil {
			return err
		}
	}
	r.c.Keys = append(r.c.Keys, k)
	return nil
}

// unread makes a note of what may not be read; other errors stay.
func (r reader) unread(err error, format string, args ...any) error {
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorFault() == smithy.FaultServer {
		return err
	}
	switch refused.ErrorCode() {
	case "AccessDeniedException", "NotFoundException", "KMSInvalidStateException", "UnsupportedOperationException":
		r.c.note(format+" (%s)", append(args, refused.ErrorCode())...)
		return nil
	}
	return err
}

func (r reader) policy(ctx context.Context, k *Key) error {
	out, err := r.client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &k.KeyId})
	if err != nil {
		return r.unread(err, "the policy of key %s cannot be read", k.Arn)
	}
	k.Policy = Document(aws.ToString(out.Policy))
	return nil
}

func (r reader) aliases(ctx context.Context, k *Key) error {
	pages := kms.NewListAliasesPaginator(r.client, &kms.ListAliasesInput{KeyId: &k.KeyId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return r.unread(err, "the aliases of key %s cannot be read", k.Arn)
		}
		for _, a := range page.Aliases {
			k.Aliases = append(k.Aliases, aws.ToString(a.AliasName))
		}
	}
	return nil
}

func (r reader) tags(ctx context.Context, k *Key) error {
	if k.KeyManager == string(types.KeyManagerTypeAws) {
		return nil // they have none
	}
	pages := kms.NewListResourceTagsPaginator(r.client, &kms.ListResourceTagsInput{KeyId: &k.KeyId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return r.unread(err, "the tags of key %s cannot be read", k.Arn)
		}
		for _, t := range page.Tags {
			k.Tags = append(k.Tags, Tag{TagKey: aws.ToString(t.TagKey), TagValue: aws.ToString(t.TagValue)})
		}
	}
	return nil
}

func (r reader) grants(ctx context.Context, k *Key) error {
	pages := kms.NewListGrantsPaginator(r.client, &kms.ListGrantsInput{KeyId: &k.KeyId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return r.unread(err, "the grants on key %s cannot be read", k.Arn)
		}
		for _, g := range page.Grants {
			one := Grant{
				GrantId: aws.ToString(g.GrantId), Name: aws.ToString(g.Name), GranteePrincipal: aws.ToString(g.GranteePrincipal),
				RetiringPrincipal: aws.ToString(g.RetiringPrincipal),
			}
			for _, o := range g.Operations {
				one.Operations = append(one.Operations, string(o))
			}
			if g.Constraints != nil {
				one.Constraints.EncryptionContextEquals = g.Constraints.EncryptionContextEquals
				one.Constraints.EncryptionContextSubset = g.Constraints.EncryptionContextSubset
			}
			k.Grants = append(k.Grants, one)
		}
	}
	k.GrantsKnown = true
	return nil
}
