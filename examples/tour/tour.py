#!/usr/bin/env python3
"""The tour with boto3.

Start `keyreeve serve --dev`, paste the lines that it prints, and run this
file. The profiles alice and bob are those of AWS_CONFIG_FILE.
"""

import json
import os
import secrets
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if "AWS_ENDPOINT_URL" not in os.environ:
    sys.exit("start keyreeve serve --dev and paste the lines that it prints")

ONCE = Config(retries={"total_max_attempts": 1})
PLAINTEXT = b"the plaintext of the tour"
TOUR = {"purpose": "tour"}
FINANCE = {"dept": "finance"}

alice, alice_sts = (boto3.Session(profile_name="alice").client(service, config=ONCE) for service in ("kms", "sts"))
bob, bob_sts = (boto3.Session(profile_name="bob").client(service, config=ONCE) for service in ("kms", "sts"))

taken = 0


def step(shows):
    global taken
    taken += 1
    print(f"{taken:2}  {shows}", flush=True)


def refused(code, reason, call, **arguments):
    """The call must fail with that code, and with the reason in its text."""
    try:
        call(**arguments)
    except ClientError as err:
        error = err.response["Error"]
        assert error["Code"] == code and reason in error["Message"], f"{code} with {reason!r} was expected: {err}"
    else:
        raise AssertionError(f"the call went through, {code} was expected")


def state(want):
    got = alice.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    assert got == want, f"the key is {got}, not {want}"


step("alice, an administrator, signs and is recognised")
caller = alice_sts.get_caller_identity()
account = caller["Account"]
assert caller["Arn"].endswith("/alice"), caller["Arn"]
alice.list_keys()

step("she creates a key")
key = alice.create_key(Description="made by the tour")["KeyMetadata"]["Arn"]
state("Enabled")

step("and gives it an alias")
alias = "alias/tour-" + secrets.token_hex(4)
alice.create_alias(AliasName=alias, TargetKeyId=key)

step("she encrypts with an encryption context")
ciphertext = alice.encrypt(KeyId=alias, Plaintext=PLAINTEXT, EncryptionContext=TOUR)["CiphertextBlob"]
assert PLAINTEXT not in ciphertext

step("the same context decrypts, another does not")
assert alice.decrypt(CiphertextBlob=ciphertext, EncryptionContext=TOUR)["Plaintext"] == PLAINTEXT
refused("InvalidCiphertextException", "", alice.decrypt, CiphertextBlob=ciphertext, EncryptionContext={"purpose": "other"})

step("a data key comes in plaintext and sealed")
data = alice.generate_data_key(KeyId=key, KeySpec="AES_256")
assert alice.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]

step("bob may not decrypt, and is told why")
refused(
    "AccessDeniedException", "because no identity-based policy allows the kms:Decrypt action",
    bob.decrypt, CiphertextBlob=ciphertext, EncryptionContext=TOUR,
)

step("a grant lets bob decrypt, with its token at once")
grant = alice.create_grant(
    KeyId=key, GranteePrincipal=f"arn:aws:iam::{account}:user/bob", Operations=["Decrypt"],
    Constraints={"EncryptionContextEquals": TOUR},
)
opened = bob.decrypt(CiphertextBlob=ciphertext, EncryptionContext=TOUR, GrantTokens=[grant["GrantToken"]])
assert opened["Plaintext"] == PLAINTEXT

step("without the grant he may not again")
alice.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
refused("AccessDeniedException", "kms:Decrypt", bob.decrypt, CiphertextBlob=ciphertext, EncryptionContext=TOUR)

step("bob encrypts a salary that he cannot read")
salary = bob.encrypt(KeyId="alias/payroll", Plaintext=PLAINTEXT, EncryptionContext=FINANCE)["CiphertextBlob"]
refused(
    "AccessDeniedException", "because no identity-based policy allows the kms:Decrypt action",
    bob.decrypt, CiphertextBlob=salary, EncryptionContext=FINANCE,
)

step("he assumes the role payroll, which can")
session = bob_sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/payroll", RoleSessionName="tour")["Credentials"]
payroll = boto3.client(
    "kms", config=ONCE, aws_access_key_id=session["AccessKeyId"],
    aws_secret_access_key=session["SecretAccessKey"], aws_session_token=session["SessionToken"],
)
assert payroll.decrypt(CiphertextBlob=salary, EncryptionContext=FINANCE)["Plaintext"] == PLAINTEXT
refused("AccessDeniedException", "assumed-role/payroll/tour is not authorized to perform: kms:ListKeys", payroll.list_keys)

step("a dry run says what would happen, and does nothing")
alice.disable_key(KeyId=key)
refused("DisabledException", "", alice.generate_data_key, KeyId=key, KeySpec="AES_256", DryRun=True)
alice.enable_key(KeyId=key)
refused("DryRunOperationException", "would have succeeded", alice.generate_data_key, KeyId=key, KeySpec="AES_256", DryRun=True)
refused("AccessDeniedException", "kms:Decrypt", bob.decrypt, CiphertextBlob=salary, EncryptionContext=FINANCE, DryRun=True)

step("a key policy that denies wins over all that allows")
alice.put_key_policy(KeyId=key, Policy=json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "IAM policies count", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        },
        {
            "Sid": "For the tour only", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*", "Principal": "*",
            "Condition": {"StringNotEquals": {"kms:EncryptionContext:purpose": "tour"}},
        },
    ],
}))
alice.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=TOUR)
refused(
    "AccessDeniedException", "with an explicit deny in a resource-based policy",
    alice.encrypt, KeyId=key, Plaintext=PLAINTEXT,
)

step("a key that waits for its deletion does nothing")
alice.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
state("PendingDeletion")
refused("KMSInvalidStateException", "is pending deletion", alice.decrypt, CiphertextBlob=ciphertext, EncryptionContext=TOUR)

step("the deletion is cancelled, and the key works again")
alice.cancel_key_deletion(KeyId=key)
state("Disabled")
alice.enable_key(KeyId=key)
assert alice.decrypt(CiphertextBlob=ciphertext, EncryptionContext=TOUR)["Plaintext"] == PLAINTEXT

step("the tour leaves a key that deletes itself in 7 days")
alice.delete_alias(AliasName=alias)
alice.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
state("PendingDeletion")

print("the tour with boto3 is complete")
