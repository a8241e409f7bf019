# The rules as they were, in Rego v0: no "if", no "contains", sets in brackets.
# What has moved to modern.rego is deleted here.
package tako.policy

default allow = true

deny[msg] {
    input.stage == "pre_tool"
    input.tool == "deploy"
    not is_admin
    msg := "deploy is for the role admin; ask one of them"
}

is_admin {
    input.principal.roles[_] == "admin"
}
