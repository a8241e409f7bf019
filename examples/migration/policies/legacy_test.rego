package tako.policy_test

import data.tako.policy

reason = "deploy is for the role admin; ask one of them"

call(tool, roles) = {"stage": "pre_tool", "principal": {"tenant_id": "acme", "user_id": "", "roles": roles}, "tool": tool}

test_admin {
    policy.deny == set() with input as call("deploy", ["dev", "admin"])
    policy.allow with input as call("deploy", ["admin"])
}

test_another_role {
    policy.deny == {reason} with input as call("deploy", ["dev"])
}

test_another_case {
    policy.deny == {reason} with input as call("deploy", ["Admin"])
}

test_no_role {
    policy.deny == {reason} with input as call("deploy", [])
}

test_roles_that_are_no_list {
    policy.deny == {reason} with input as call("deploy", "admin")
}

test_no_principal {
    policy.deny == {reason} with input as {"stage": "pre_tool", "tool": "deploy"}
}

test_another_tool {
    policy.deny == set() with input as call("search", [])
}

test_another_stage {
    policy.deny == set() with input as {"stage": "post_tool", "tool": "deploy"}
}
