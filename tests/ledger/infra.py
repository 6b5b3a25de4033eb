"""What audit_infrastructure and its command promise."""

from tests.promises import Promise

_ISSUE = "issue 6"

PROMISES: dict[str, Promise] = {
    "infra:formats": Promise(_ISSUE, "Templates of CloudFormation, CDK, Terraform, compose and Kubernetes are read."),
    "infra:cdk": Promise(
        _ISSUE, "Of a cloud assembly the stacks' templates are read and no asset, and constructs have their own names."
    ),
    "infra:hostile": Promise(_ISSUE, "Deep, broken, expanding and strange files are survived in time, and said."),
    "infra:exposure": Promise(_ISSUE, "An instance, its group and its subnet together tell whether it can be reached."),
    "infra:missed": Promise(_ISSUE, "Unread variables, dead alarms, timeout and retry chains, lost work and budgets."),
    "infra:look-alikes": Promise(_ISSUE, "What is right and looks alike gives no grave finding."),
    "infra:engines": Promise(_ISSUE, "Engines run bounded, as programs; what several found is said once."),
    "infra:no-secrets": Promise(_ISSUE, "A secret that was found is never shown."),
    "infra:confined": Promise(_ISSUE, "No path leads out of the roots, and an answer has at most 25 kB."),
    "infra:command": Promise(_ISSUE, "The command audit PATH gives text, JSON and SARIF and ends with 0, 1 or 2."),
    "infra:live": Promise(_ISSUE, "A live account is read by list and describe calls alone; what is denied is said."),
    "infra:live-tool": Promise(
        _ISSUE, "The tool reads an account that the settings name, in time, with what each finding rests on."
    ),
}
