#!/usr/bin/env bash
# Writes what AWS tells of an account into a directory that
# keyreeve repl --aws-dump reads. It only reads, and needs nothing but the AWS CLI.
#
#   dump.sh DIRECTORY [REGION…]
#
# Credentials are the AWS CLI's (AWS_PROFILE, …); without Regions it is the
# profile's. In the management account, or in a delegated administrator's, the
# organization is written too. What may not be read stays an empty file, and
# keyreeve says what it does not know.
set -euo pipefail
umask 077

to=${1:?usage: dump.sh DIRECTORY [REGION…]}
shift
regions=("$@")
if [ ${#regions[@]} -eq 0 ]; then
    regions=("$(aws configure get region || echo us-east-1)")
fi
mkdir "$to" # never over another dump

# ask FILE COMMAND…: one answer of the AWS CLI, all pages of it, to a file.
ask() {
    local file=$to/$1
    shift
    mkdir -p "$(dirname "$file")"
    aws "$@" --output json > "$file" || echo "not read: aws $*" >&2
}

# each QUERY COMMAND…: the ids that a query finds in an answer.
each() {
    local query=$1
    shift
    aws "$@" --query "$query" --output text || echo "not read: aws $*" >&2
}

ask iam/get-account-authorization-details.json iam get-account-authorization-details

for region in "${regions[@]}"; do
    for key in $(each 'Keys[].KeyId' kms list-keys --region "$region"); do
        at=kms/$region/$key
        ask "$at/describe-key.json" kms describe-key --region "$region" --key-id "$key"
        ask "$at/get-key-policy.json" kms get-key-policy --region "$region" --key-id "$key" --policy-name default
        ask "$at/list-grants.json" kms list-grants --region "$region" --key-id "$key"
        ask "$at/list-aliases.json" kms list-aliases --region "$region" --key-id "$key"
        ask "$at/list-resource-tags.json" kms list-resource-tags --region "$region" --key-id "$key"
    done
    ask "ec2/$region/describe-vpc-endpoints.json" ec2 describe-vpc-endpoints --region "$region"
done

ask organizations/describe-organization.json organizations describe-organization
if ! aws organizations list-roots > /dev/null 2>&1; then
    echo "without the units and policies of the organization: this account may not read them" >&2
    rm -rf "$to/organizations"
    exit 0
fi
ask organizations/list-roots.json organizations list-roots

# below PARENT: its units and accounts, each in a folder of its own.
below() {
    local parent=$1 unit account
    for account in $(each 'Accounts[].Id' organizations list-accounts-for-parent --parent-id "$parent"); do
        ask "organizations/$account/describe-account.json" organizations describe-account --account-id "$account"
        ask "organizations/$account/list-parents.json" organizations list-parents --child-id "$account"
    done
    for unit in $(each 'OrganizationalUnits[].Id' organizations list-organizational-units-for-parent --parent-id "$parent"); do
        ask "organizations/$unit/describe-organizational-unit.json" organizations describe-organizational-unit --organizational-unit-id "$unit"
        ask "organizations/$unit/list-parents.json" organizations list-parents --child-id "$unit"
        below "$unit"
    done
}
for root in $(each 'Roots[].Id' organizations list-roots); do
    below "$root"
done
for type in SERVICE_CONTROL_POLICY RESOURCE_CONTROL_POLICY; do
    for policy in $(each 'Policies[].Id' organizations list-policies --filter "$type"); do
        ask "organizations/$policy/describe-policy.json" organizations describe-policy --policy-id "$policy"
        ask "organizations/$policy/list-targets-for-policy.json" organizations list-targets-for-policy --policy-id "$policy"
    done
done
