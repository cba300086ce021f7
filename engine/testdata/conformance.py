"""What the samples of the guide show, with boto3: see TestSamplesInOtherLanguages.

PG-01: credentials, Region and endpoint come out of the environment.
"""

import boto3
from botocore.exceptions import ClientError, ParamValidationError

kms = boto3.client("kms")
ROLE = "arn:aws:iam::111122223333:role/ExampleKeyUserRole"


def fails(code, call, **arguments):
    try:
        call(**arguments)
    except ParamValidationError:
        assert code == "client", f"{call.__name__}: the client refused, {code} was expected"
    except ClientError as err:
        got = err.response["Error"]["Code"]
        assert got == code, f"{call.__name__}: {err}, {code} was expected"
    else:
        raise AssertionError(f"{call.__name__} went through, {code} was expected")


key = kms.create_key(Description="Key for protecting critical data")["KeyMetadata"]["Arn"]  # PG-02
other = kms.create_key()["KeyMetadata"]["Arn"]

kms.create_alias(AliasName="alias/pythonKey1", TargetKeyId=key)  # PG-08
fails("client", kms.update_alias, AliasName="alias/pythonKey1", TargetKeyID=other)  # PG-11: a member that does not exist
kms.update_alias(AliasName="alias/pythonKey1", TargetKeyId=other)
assert kms.describe_key(KeyId="alias/pythonKey1")["KeyMetadata"]["Arn"] == other
kms.delete_alias(AliasName="alias/pythonKey1")  # PG-12

plaintext = b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00"
blob = kms.encrypt(KeyId=key, Plaintext=plaintext)["CiphertextBlob"]  # PG-13
assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext  # PG-14
moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)["CiphertextBlob"]  # PG-15
assert kms.decrypt(CiphertextBlob=moved, KeyId=other)["Plaintext"] == plaintext
fails("IncorrectKeyException", kms.decrypt, CiphertextBlob=blob, KeyId=other)  # PG-37
every = bytes(range(256))  # PG-38
assert kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=every)["CiphertextBlob"])["Plaintext"] == every

policy = """
{
    "Version": "2012-10-17",
    "Statement": [{
        "Sid": "Allow access for ExampleUser", "Effect": "Allow", "Principal": {"AWS": "%s"},
        "Action": ["kms:Encrypt", "kms:GenerateDataKey*", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"], "Resource": "*"
    }]
}""" % ROLE
fails("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key, Policy=policy, PolicyName="default")  # PG-30

grant = kms.create_grant(KeyId=key, GranteePrincipal=ROLE, Operations=["GenerateDataKey"])  # PG-19
fails("client", kms.list_grants, KeyId=key, Grantee=ROLE)  # PG-21: as in the sample of Node.js
assert [g["GrantId"] for g in kms.list_grants(KeyId=key, GranteePrincipal=ROLE)["Grants"]] == [grant["GrantId"]]
fails("NotFoundException", kms.revoke_grant, KeyId=key, GrantId="grant1")  # PG-23
kms.retire_grant(GrantToken=grant["GrantToken"])  # PG-22
fails("DryRunOperationException", kms.create_grant, KeyId=key, GranteePrincipal=ROLE, Operations=["Decrypt"], DryRun=True)  # PG-24

pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1})  # PG-05
assert {k["KeyArn"] for page in pages for k in page["Keys"]} >= {key, other}
