# What the samples of the guide show, with the AWS CLI: see TestSamplesInOtherLanguages.
# Each call of the CLI takes a second or more, so only what it does in its own way is here.
set -euo pipefail

key=$(aws kms create-key --query KeyMetadata.Arn --output text)

# PG-13, PG-14, PG-38: the CLI takes a file's bytes as they are.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '\001\002\377\000' > "$dir/plaintext"
aws kms encrypt --key-id "$key" --plaintext "fileb://$dir/plaintext" --query CiphertextBlob --output text | base64 --decode > "$dir/blob"
aws kms decrypt --ciphertext-blob "fileb://$dir/blob" --query Plaintext --output text | base64 --decode | cmp - "$dir/plaintext"

# PG-24: the sample of the guide, which fails.
if said=$(aws kms create-grant --key-id "$key" --grantee-principal arn:aws:iam::111122223333:role/ExampleKeyUserRole \
    --operations Decrypt --dry-run 2>&1); then
    echo "the dry run went through: $said"
    exit 1
fi
grep --quiet DryRunOperationException <<< "$said" || { echo "$said"; exit 1; }

# PG-05: the CLI pages by itself.
aws kms list-keys --page-size 1 --query 'Keys[].KeyArn' --output text | grep "$key" > /dev/null
