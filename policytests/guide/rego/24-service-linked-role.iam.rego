package policy

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "identity"
#   version: "2012-10-17"
verdict := {"allow": set(), "deny": set()}

# Not an action known here: cloudhsm:Describe*
# Not an action known here: ec2:CreateNetworkInterface
# Not an action known here: ec2:AuthorizeSecurityGroupIngress
# Not an action known here: ec2:CreateSecurityGroup
# Not an action known here: ec2:DescribeSecurityGroups
# Not an action known here: ec2:RevokeSecurityGroupEgress
# Not an action known here: ec2:DeleteSecurityGroup
# Not an action known here: ec2:DescribeVpcs
# Not an action known here: ec2:DescribeNetworkAcls
# Not an action known here: ec2:DescribeNetworkInterfaces
# $.Statement[0] (Allow) matches nothing: none of its actions is known here.
