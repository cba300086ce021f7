#!/usr/bin/env bash
# The tour with the AWS CLI. Start `keyreeve serve --dev`, paste the lines that
# it prints, and run this file. The profiles are those of AWS_CONFIG_FILE.
set -euo pipefail
: "${AWS_ENDPOINT_URL:?start keyreeve serve --dev and paste the lines that it prints}"
export AWS_PAGER='' AWS_MAX_ATTEMPTS=1
dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
n=0

fail() { printf 'tour: step %d, %s: %s\n' "$((n + 1))" "$shows" "$1" >&2; exit 1; }
step() { shows="$1"; }
ok() { n=$((n + 1)); printf '%2d  %s\n' "$n" "$shows"; }
same() { [ "$1" = "$2" ] || fail "got $1, want $2"; }

# as PROFILE ARGS…: one call of AWS KMS; its answer is in $answer.
as() {
  local profile="$1"; shift
  answer="$(aws --profile "$profile" --output text kms "$@" 2>"$dir/err")" || fail "$(cat "$dir/err")"
}

# refused CODE REASON PROFILE ARGS…: one that must fail with that code and text.
refused() {
  local code="$1" reason="$2" profile="$3"; shift 3
  if aws --profile "$profile" kms "$@" >/dev/null 2>"$dir/err"; then fail "the call went through, $code was expected"; fi
  grep -qF "($code)" "$dir/err" && grep -qF -- "$reason" "$dir/err" || fail "$code with '$reason' was expected: $(cat "$dir/err")"
}

printf 'the plaintext of the tour' >"$dir/plaintext"
alias="alias/tour-$RANDOM$RANDOM"

# encrypt PROFILE KEY CONTEXT: the ciphertext is in $dir/ciphertext.
encrypt() {
  as "$1" encrypt --key-id "$2" --plaintext "fileb://$dir/plaintext" --encryption-context "$3" --query CiphertextBlob
  printf %s "$answer" | base64 -d >"$dir/ciphertext"
}

# decrypts PROFILE CONTEXT [ARGS…]: what encrypt made comes back.
decrypts() {
  local profile="$1" context="$2"; shift 2
  as "$profile" decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context "$context" --query Plaintext "$@"
  same "$(printf %s "$answer" | base64 -d)" "$(cat "$dir/plaintext")"
}

state() { as alice describe-key --key-id "$key" --query KeyMetadata.KeyState; same "$answer" "$1"; }

step "alice, an administrator, signs and is recognised"
read -r account arn <<<"$(aws --profile alice --output text sts get-caller-identity --query '[Account,Arn]')"
same "${arn##*/}" alice
as alice list-keys; ok

step "she creates a key"
as alice create-key --description "made by the tour" --query KeyMetadata.Arn
key="$answer"; state Enabled; ok

step "and gives it an alias"
as alice create-alias --alias-name "$alias" --target-key-id "$key"; ok

step "she encrypts with an encryption context"
encrypt alice "$alias" purpose=tour
! grep -qF "$(cat "$dir/plaintext")" "$dir/ciphertext" || fail "the ciphertext contains the plaintext"; ok

step "the same context decrypts, another does not"
decrypts alice purpose=tour
refused InvalidCiphertextException "" alice decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context purpose=other; ok

step "a data key comes in plaintext and sealed"
as alice generate-data-key --key-id "$key" --key-spec AES_256 --query '[Plaintext,CiphertextBlob]'
read -r data sealed <<<"$answer"
printf %s "$sealed" | base64 -d >"$dir/sealed"
as alice decrypt --ciphertext-blob "fileb://$dir/sealed" --query Plaintext
same "$answer" "$data"; ok

step "bob may not decrypt, and is told why"
refused AccessDeniedException "because no identity-based policy allows the kms:Decrypt action" \
  bob decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context purpose=tour; ok

step "a grant lets bob decrypt, with its token at once"
as alice create-grant --key-id "$key" --grantee-principal "arn:aws:iam::$account:user/bob" --operations Decrypt \
  --constraints EncryptionContextEquals={purpose=tour} --query '[GrantId,GrantToken]'
read -r grant token <<<"$answer"
decrypts bob purpose=tour --grant-tokens "$token"; ok

step "without the grant he may not again"
as alice revoke-grant --key-id "$key" --grant-id "$grant"
refused AccessDeniedException kms:Decrypt \
  bob decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context purpose=tour; ok

step "bob encrypts a salary that he cannot read"
encrypt bob alias/payroll dept=finance
refused AccessDeniedException "because no identity-based policy allows the kms:Decrypt action" \
  bob decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context dept=finance; ok

step "he assumes the role payroll, which can"
decrypts payroll dept=finance
refused AccessDeniedException "is not authorized to perform: kms:ListKeys" payroll list-keys; ok

step "a dry run says what would happen, and does nothing"
as alice disable-key --key-id "$key"
refused DisabledException "" alice generate-data-key --key-id "$key" --key-spec AES_256 --dry-run
as alice enable-key --key-id "$key"
refused DryRunOperationException "would have succeeded" alice generate-data-key --key-id "$key" --key-spec AES_256 --dry-run
refused AccessDeniedException kms:Decrypt \
  bob decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context dept=finance --dry-run; ok

step "a key policy that denies wins over all that allows"
cat >"$dir/policy.json" <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "IAM policies count", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
      "Principal": {"AWS": "arn:aws:iam::$account:root"}
    },
    {
      "Sid": "For the tour only", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*", "Principal": "*",
      "Condition": {"StringNotEquals": {"kms:EncryptionContext:purpose": "tour"}}
    }
  ]
}
EOF
as alice put-key-policy --key-id "$key" --policy "file://$dir/policy.json"
encrypt alice "$key" purpose=tour
refused AccessDeniedException "with an explicit deny in a resource-based policy" \
  alice encrypt --key-id "$key" --plaintext "fileb://$dir/plaintext"; ok

step "a key that waits for its deletion does nothing"
as alice schedule-key-deletion --key-id "$key" --pending-window-in-days 7
state PendingDeletion
refused KMSInvalidStateException "is pending deletion" \
  alice decrypt --ciphertext-blob "fileb://$dir/ciphertext" --encryption-context purpose=tour; ok

step "the deletion is cancelled, and the key works again"
as alice cancel-key-deletion --key-id "$key"
state Disabled
as alice enable-key --key-id "$key"
decrypts alice purpose=tour; ok

step "the tour leaves a key that deletes itself in 7 days"
as alice delete-alias --alias-name "$alias"
as alice schedule-key-deletion --key-id "$key" --pending-window-in-days 7
state PendingDeletion; ok

echo "the tour with the AWS CLI is complete"
