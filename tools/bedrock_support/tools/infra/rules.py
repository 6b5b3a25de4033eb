"""Which of our kinds an engine's rule speaks of, so that what both found is said once."""

from __future__ import annotations

from bedrock_support.tools.envelope import Severity

_CHECKOV: dict[str, str] = {
    "open_admin_port": "CKV_AWS_24 CKV_AWS_25",
    "open_ports": "CKV_AWS_260 CKV_AWS_277 CKV_AWS_382",
    "public_bucket": "CKV_AWS_20 CKV_AWS_53 CKV_AWS_54 CKV_AWS_55 CKV_AWS_56 CKV_AWS_57 CKV_AWS_70 CKV2_AWS_6",
    "public_database": "CKV_AWS_17 CKV_AWS_87 CKV_AWS_154",
    "reachable_instance": "CKV_AWS_88",
    "wildcard_iam": "CKV_AWS_1 CKV_AWS_49 CKV_AWS_60 CKV_AWS_62 CKV_AWS_63 CKV_AWS_274 CKV_AWS_355 CKV_AWS_356 "
    "CKV_AWS_290 CKV_AWS_107 CKV_AWS_108 CKV_AWS_111 CKV_AWS_288 CKV_AWS_289 CKV2_AWS_40 CKV_K8S_49",
    "escalation": "CKV_AWS_109 CKV_AWS_110 CKV_AWS_286 CKV_AWS_287",
    "public_policy": "CKV_AWS_32 CKV_AWS_33 CKV_AWS_61 CKV_AWS_168 CKV_AWS_169 CKV_AWS_283 CKV_AWS_385 CKV_AWS_301 "
    "CKV_AWS_387",
    "unencrypted_storage": "CKV_AWS_3 CKV_AWS_5 CKV_AWS_8 CKV_AWS_16 CKV_AWS_26 CKV_AWS_29 CKV_AWS_35 CKV_AWS_42 "
    "CKV_AWS_43 CKV_AWS_64 CKV_AWS_74 CKV_AWS_96 CKV_AWS_106 CKV_AWS_158 CKV_AWS_44 CKV_AWS_189 CKV_AWS_185 "
    "CKV_AWS_191 CKV_AWS_184 CKV_AWS_327 CKV_AWS_404 CKV_AWS_142",
    "unencrypted_transport": "CKV_AWS_2 CKV_AWS_6 CKV_AWS_30 CKV_AWS_31 CKV_AWS_34 CKV_AWS_83 CKV_AWS_103 CKV_AWS_174 "
    "CKV2_AWS_20",
    "plain_secret": "CKV_AWS_41 CKV_AWS_45 CKV_AWS_46 CKV_K8S_35",
    "imds_v1": "CKV_AWS_79 CKV_AWS_341",
    "no_backup": "CKV_AWS_133 CKV_AWS_143 CKV_AWS_343",
    "no_logging": "CKV_AWS_18 CKV_AWS_36 CKV_AWS_65 CKV_AWS_67 CKV_AWS_71 CKV_AWS_76 CKV_AWS_84 CKV_AWS_86 CKV_AWS_91 "
    "CKV_AWS_129 CKV_AWS_251 CKV2_AWS_11 CKV_AWS_95",
    "no_key_rotation": "CKV_AWS_7",
    "mutable_tags": "CKV_AWS_51",
    "user_policy": "CKV_AWS_40 CKV_AWS_273",
    "public_function": "CKV_AWS_258",
    "open_api": "CKV_AWS_59 CKV2_AWS_53 CKV_AWS_309",
    "no_dead_letter": "CKV_AWS_116",
    "privileged_container": "CKV_K8S_16 CKV_AWS_335",
    "host_mount": "CKV_K8S_27 CKV_AWS_97",
    "host_namespace": "CKV_K8S_17 CKV_K8S_18 CKV_K8S_19",
    "root_user": "CKV_K8S_6 CKV_K8S_20 CKV_K8S_22 CKV_K8S_23 CKV_K8S_29 CKV_K8S_30 CKV_K8S_40",
    "extra_capability": "CKV_K8S_24 CKV_K8S_25 CKV_K8S_28 CKV_K8S_37 CKV_K8S_39 CKV_K8S_31",
    "latest_tag": "CKV_K8S_14 CKV_K8S_15 CKV_K8S_43",
    "no_limits": "CKV_K8S_10 CKV_K8S_11 CKV_K8S_12 CKV_K8S_13",
    "no_probe": "CKV_K8S_8 CKV_K8S_9",
}
_LINT: dict[str, str] = {
    "unused_parameter": "W2001",
    "plain_secret": "W1011 W2501 W2010",
    "public_policy": "W3013",
    "timeout_chain": "W3669 E3505",
}
KIND_OF = {rule: kind for table in (_CHECKOV, _LINT) for kind, rules in table.items() for rule in rules.split(" ")}
SEVERITIES: dict[str, Severity] = {
    "open_admin_port": "high",
    "public_bucket": "medium",
    "public_database": "high",
    "wildcard_iam": "high",
    "public_policy": "high",
    "plain_secret": "high",
    "privileged_container": "critical",
    "reachable_instance": "high",
    "invalid_template": "medium",
}
"""Of what engines alone found; the rest is low: they don't see what can be reached."""


def kind_of(rule: str) -> str:
    """Our kind for an engine's rule."""
    if rule in KIND_OF:
        return KIND_OF[rule]
    return "invalid_template" if rule.startswith("E") and rule[1:].isdecimal() else "other"
