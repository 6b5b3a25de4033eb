"""What each kind of problem would look like if it were none, and what mends it."""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    "open_admin_port": (
        "nothing listens on the port, or a network ACL in front refuses it",
        "Allow the addresses that need it, or use Session Manager or a private link",
    ),
    "open_ports": ("what is attached is meant to be public on each of these ports", "Name the ports and the sources"),
    "reachable_instance": (
        "a network ACL refuses it, or the subnet has no route to the internet gateway",
        "Move it to a private subnet, or close the group's rule",
    ),
    "public_bucket": (
        "the account blocks public access as a whole, or the content is meant for everybody",
        "Set all four public access blocks, and serve by CloudFront with an origin access control",
    ),
    "public_database": ("its subnets have no route from outside", "Set publicly accessible to false"),
    "wildcard_iam": ("a permissions boundary or an SCP takes the rest away", "Name the actions and the resources"),
    "escalation": (
        "the role that could be passed has no more rights than the holder",
        "Restrict iam:PassRole and the like to the roles that are meant, with iam:PassedToService",
    ),
    "public_policy": (
        "a condition elsewhere (SCP, VPC endpoint policy) refuses strangers",
        "Name the principals, or add a condition on aws:SourceArn, aws:SourceAccount or aws:PrincipalOrgID",
    ),
    "unencrypted_storage": (
        "encryption by default is on in the account and Region",
        "Turn on encryption with a KMS key",
    ),
    "unencrypted_transport": ("it carries only redirects, or stays in one host", "Take TLS 1.2 or later alone"),
    "plain_secret": (
        "the value is a placeholder that deployment replaces",
        "Keep it in Secrets Manager, Parameter Store or a Secret, and rotate what was written down",
    ),
    "imds_v1": ("the account's default asks for tokens", "Set http_tokens (HttpTokens) to required"),
    "no_backup": ("it holds nothing that couldn't be made anew", "Keep backups for 7 days or more"),
    "no_logging": ("it is logged by something outside this tree", "Turn on its logs"),
    "no_key_rotation": ("the key is asymmetric or imported", "Turn on yearly rotation"),
    "mutable_tags": ("no tag is ever written twice", "Set immutable tags"),
    "user_policy": ("the user is a machine that can't assume roles", "Attach policies to groups or roles"),
    "long_lived_key": ("the key is for a place outside AWS that can't federate", "Use a role, or IAM Identity Center"),
    "public_function": ("the code checks a signature itself", "Take AuthType AWS_IAM"),
    "open_api": ("the operation is meant for everybody", "Set an authorizer, or AWS_IAM"),
    "privileged_container": (
        "the cluster's admission refuses it, or it must manage the node",
        "Drop privileged, and add only the capabilities that are needed",
    ),
    "host_mount": ("the node's path is what the workload is about (an agent)", "Use a volume that isn't the host's"),
    "host_namespace": ("the workload manages the node's network or processes", "Leave out the host's namespaces"),
    "root_user": ("the image's own user isn't root", "Set a user: runAsNonRoot, or user in compose"),
    "extra_capability": ("the program needs it", "Drop ALL and add the least"),
    "latest_tag": ("the registry forbids to move tags", "Name a version, or better a digest"),
    "no_limits": ("a LimitRange of the namespace sets them", "Set requests and limits of memory and CPU"),
    "no_probe": ("the workload serves nobody", "Add a readiness and a liveness probe (healthcheck in compose)"),
    "published_port": ("a firewall in front refuses it", "Bind to 127.0.0.1, or publish no port"),
    "unread_variable": (
        "a library, a base image or code outside this tree reads it",
        "Remove it, or read it where it was meant to matter",
    ),
    "unused_parameter": ("a tool outside this tree needs the name", "Remove it, or use it"),
    "dead_alarm": (
        "something outside this tree emits the metric",
        "Emit the metric, or correct namespace, name or dimension",
    ),
    "timeout_chain": (
        "the caller's work always ends long before",
        "Let each caller wait longer than what it calls",
    ),
    "retry_product": (
        "the work can be repeated without harm and fails rarely",
        "Retry at one layer alone, with a budget and jitter",
    ),
    "no_dead_letter": (
        "what fails may be lost, or is kept elsewhere",
        "Add a dead-letter queue or an on-failure destination, with an alarm on its depth",
    ),
    "no_budget": ("budgets are managed outside this tree", "Add a budget with an alert, or cost anomaly detection"),
    "missing_target": ("what is named is made outside this tree", "Correct the name or the selector"),
    "invalid_template": ("the engine is behind the format", "Correct what it names"),
    "other": ("the rule doesn't apply here", "See the rule's own text"),
}
