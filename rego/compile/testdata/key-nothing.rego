package keyreeve.example

# METADATA
# title: "The statements that match the request"
# custom:
#   kind: "key"
#   version: "2008-10-17"
verdict := {"allow": set(), "deny": set()}

# $.Statement[0] (Allow "forgot the resource") matches nothing: it names no resource.
# Not an action known here: s3:*
# Not an action known here: dynamodb:GetItem
# $.Statement[1] (Allow) matches nothing: none of its actions is known here.
# $.Statement[2] (Allow) matches nothing: its condition $.Statement[2].Condition.StringEquals['aws:ResourceTag/team'] cannot hold.
# Names nobody here: $.Statement[3].Principal.CanonicalUser
# $.Statement[3] (Deny) matches nothing: it names no principal that can call.
