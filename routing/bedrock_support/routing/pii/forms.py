"""Secrets that their issuers give a form of their own: a prefix, a suffix, a length.

Sources: what each issuer documents of its keys and tokens. A form is a literal, which is looked for first and costs
next to nothing, and what stands behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from bedrock_support.routing.pii.span import PROVEN, Span
from bedrock_support.routing.pii.text import Text, backwards

_HEX, _ANY, _WIDE = "[0-9a-f]", "[A-Za-z0-9]", r"[\w-]"
_FORMS: dict[str, str] = {
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), "[A-Z2-7]{16}"),
    "ABSK": "[A-Za-z0-9+/]{40,300}={0,2}",
    "bedrock-api-key-": "[A-Za-z0-9+/=_-]{20,4000}",
    "eyJ": rf"{_WIDE}{{8,4096}}={{0,2}}\.(?:{_WIDE}{{8,8192}}={{0,2}})?(?:\.(?:[\w-]{{8,2048}}={{0,2}})?){{0,3}}",
    "eyJrIjoi": "[A-Za-z0-9+/]{60,400}={0,3}",
    "ZXlK": "[A-Za-z0-9+/_-]{16,8192}={0,3}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), f"{_ANY}{{30,255}}"),
    "github_pat_": r"\w{22,255}",
    **{
        f"gl{each}-": rf"{_WIDE}{{20,300}}(?:\.[0-9a-z]{{9}}(?:\.[0-9a-z]{{9}})?)?"
        for each in ("pat", "rt", "dt", "ptt", "soat", "ft", "cbt", "ffct", "imt", "agent", "oas", "wt", "rtr")
    },
    "GR1348941": rf"{_WIDE}{{20}}",
    **{f"xox{each}": r"-[\w-]{10,250}" for each in "abeoprs"},
    "xoxe.": r"xox[bp]-\d-[\w-]{100,250}",
    "xapp-": r"\d-[\w-]{20,200}",
    "sk-": r"(?:ant-(?:api|admin)\d\d-|proj-|svcacct-|admin-|or-v1-|lf-)?(?=[\w-]*\d)[\w-]{20,250}",
    **{f"{one}k_{two}_": f"{_ANY}{{10,250}}" for one in "srp" for two in ("live", "test", "prod")},
    "whsec_": "[A-Za-z0-9+/=]{20,100}",
    "AIza": rf"{_WIDE}{{35}}(?![\w-])",
    "ya29.": rf"{_WIDE}{{20,300}}",
    "GOCSPX-": rf"{_WIDE}{{28}}",
    "1//0": rf"{_WIDE}{{40,120}}",
    "SG.": r"[\w=-]{16,32}\.[\w=.-]{32,64}",
    "key-": f"{_HEX}{{32}}",
    "AC": f"{_HEX}{{32}}",
    "SK": "[0-9a-fA-F]{32}",
    "npm_": f"{_ANY}{{36}}",
    "pypi-": rf"{_WIDE}{{60,1000}}",
    "rubygems_": f"{_HEX}{{48}}",
    "dckr_pat_": rf"{_WIDE}{{24,60}}",
    "dckr_oat_": rf"{_WIDE}{{24,60}}",
    **{f"do{each}_v1_": "[0-9a-fA-F]{64}" for each in "por"},
    "hvs.": rf"{_WIDE}{{20,200}}",
    "hvb.": rf"{_WIDE}{{60,300}}",
    "s.": r"(?=[A-Za-z]*\d)[A-Za-z0-9]{24}(?![\w.-])",
    **{f"shp{each}_": "[0-9a-fA-F]{32}" for each in ("at", "ca", "pa", "ss", "tka")},
    "sq0atp-": rf"{_WIDE}{{22,64}}",
    "sq0csp-": rf"{_WIDE}{{22,64}}",
    "EAAA": rf"{_WIDE}{{60}}",
    "EAAC": f"{_ANY}{{100,400}}",
    "EAAM": f"{_ANY}{{100,400}}",
    "hf_": "[A-Za-z]{34}",
    "api_org_": "[A-Za-z]{34}",
    "nvapi-": rf"{_WIDE}{{60,80}}",
    "r8_": f"{_ANY}{{37}}",
    "gsk_": f"{_ANY}{{40,60}}",
    "xai-": f"{_ANY}{{60,90}}",
    "pplx-": f"{_ANY}{{40,60}}",
    "lin_api_": f"{_ANY}{{40}}",
    "secret_": f"{_ANY}{{43}}",
    "ntn_": f"{_ANY}{{40,60}}",
    "figd_": rf"{_WIDE}{{40,60}}",
    "PMAK-": f"{_HEX}{{24}}-{_HEX}{{34}}",
    "dapi": rf"{_HEX}{{32}}(?:-\d)?",
    "glsa_": r"\w{32}_[0-9a-fA-F]{8}",
    "glc_": "[A-Za-z0-9+/]{32,400}={0,3}",
    "sntrys_": "[A-Za-z0-9+/_=-]{40,500}",
    "sntryu_": f"{_HEX}{{64}}",
    **{f"dt0{each}01.": r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}" for each in "cs"},
    **{f"dp.{each}.": rf"(?:[\w-]{{2,40}}\.)?{_ANY}{{40,44}}" for each in ("pt", "st", "ct", "sa", "scim", "audit")},
    "AGE-SECRET-KEY-1": "[A-Z0-9]{58}",
    "tskey-": r"[a-z]{3,8}-[\w-]{20,80}",
    "CCIPAT_": r"\w{20,80}",
    "pul-": f"{_HEX}{{40}}",
    "fio-u-": r"[\w=-]{64}",
    "v2.local.": rf"{_WIDE}{{40,400}}",
    "v1.0-": f"{_HEX}{{24}}-{_HEX}{{146}}",
    "A3-": "[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
    "ops_eyJ": "[A-Za-z0-9+/_-]{100,2000}={0,3}",
    "p8e-": f"{_ANY}{{32}}",
    "LTAI": f"{_ANY}{{20}}",
    "AKCp": f"{_ANY}{{69}}",
    "cmVmd": f"{_ANY}{{59}}",
    "4b1d": f"{_ANY}{{38}}",
    "CLOJARS_": f"{_ANY}{{60}}",
    "EZAK": f"{_ANY}{{54}}",
    "EZTK": f"{_ANY}{{54}}",
    "FLWSECK": "(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?",
    "FLWPUBK": "(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?",
    **dict.fromkeys(("fo1_", "fm1a_", "fm1r_", "fm2_"), r"[\w+/-]{43,4000}={0,3}"),
    "HRKU-AA": rf"{_WIDE}{{58}}",
    "ico-": f"{_ANY}{{32}}",
    "s-s4t2": f"(?:ud|af)-{_HEX}{{64}}",
    "API-": "[A-Z0-9]{26}",
    "sha256~": rf"{_WIDE}{{43}}",
    **{f"pscale_{each}_": r"[\w=.-]{32,64}" for each in ("tkn", "oauth", "pw")},
    "pnu_": f"{_ANY}{{36}}",
    "rdme_": "[a-z0-9]{70}",
    "tk-us-": rf"{_WIDE}{{48}}",
    "xkeysib-": f"{_HEX}{{64}}-{_ANY}{{16}}",
    **{f"sm_{each}at_": f"{_ANY}{{16}}" for each in "aps"},
    **{f"shippo_{each}_": "[0-9a-fA-F]{40}" for each in ("live", "test")},
    **{f"duffel_{each}_": r"[\w=-]{43}" for each in ("live", "test")},
    "sgp_": "(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}",
    **{f"{each}.": rf"{_WIDE}{{22}}\.{_ANY}{{24}}\.{_ANY}{{20}}" for each in ("pat", "sat")},
    **{f"{each}_": r"[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}" for each in ("sc", "ext", "scauth", "authress")},
    "pat": rf"{_ANY}{{14}}\.{_HEX}{{64}}",
    "ATATT3": r"[\w=-]{180,220}",
    "ATCTT3": r"[\w=-]{180,220}",
    "aio_": f"{_ANY}{{28}}",
    "dsn_": "[0-9a-z]{40}",
    "phc_": f"{_ANY}{{43}}",
    "phx_": f"{_ANY}{{43}}",
    "vercel_blob_rw_": r"\w{40,60}",
    "sbp_": f"{_HEX}{{40}}",
    "sb_secret_": rf"{_WIDE}{{31}}",
    "re_": rf"{_ANY}{{8}}_{_ANY}{{24}}",
    "tvly-": rf"{_WIDE}{{32}}",
    "fw_": f"{_ANY}{{24}}",
    "ctx7sk-": "[0-9a-f-]{36}",
    "lsv2_": r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
}  # fmt: skip
"""What an issuer's prefix is followed by."""
_BEHIND: tuple[tuple[str, str, str, int], ...] = (
    (".atlasv1.", r"[\w=-]{60,70}", r"[A-Za-z0-9]{14}", 14),
    ("Q~", r"[\w~.-]{31,34}", r"\d[\w~.]{3}", 4),
    (":A", r"[\w-]{34}", r"\d{5,16}", 16),
    ("_mmk", "", r"[A-Za-z0-9]{29}_[A-Za-z0-9]{6}", 36),
    ("|", r"[\w-]{27,40}", r"\d{15,16}", 16),
    ("%7C", r"[\w-]{27,40}", r"\d{15,16}", 16),
    (".apikey.", r"[\w-]{20,200}", r"[\w-]{4,60}", 60),
)
"""A literal in the middle: what follows it, what stands before it (backwards), and how long that is at most."""
_DISCORD = re.compile(r"\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])")
_DISCORD_HEAD = re.compile(r"[A-Za-z\d]{23,25}[MNO](?![\w/+-])")
_PREFIXED = re.compile(
    r"(?<![\w/+.-])(?!sha\d|md5|blake)[a-z][a-z0-9]{1,14}(?:[_-][a-z0-9]{1,8}){0,2}[_-](?P<tail>[A-Za-z0-9]{30,120})(?![\w/+.-])"
)
"""A word, and a long random part: how newer issuers all do it, the unknown ones too."""
_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_FEW = 4
"""Different characters of a tail, at least: else it is a row of crosses in a manual."""
_LONGEST = 33
"""Characters of such a word with its tail, at least."""
_MANY = 12
"""The same where only the form says that it is a secret."""


_START = re.compile(r"[A-Za-z0-9](?<![A-Za-z0-9_/+-].)[A-Za-z0-9./]")
_BY_START: dict[str, tuple[str, ...]] = {}
"""Prefixes by their first two characters: a text is looked through once for those, and not for each prefix."""
for _each in _FORMS:
    _BY_START[_each[:2]] = (*_BY_START.get(_each[:2], ()), _each)


@cache
def _form(prefix: str) -> re.Pattern[str]:
    boundary = rf"(?<![A-Za-z0-9_/+-].{{{len(prefix)}}})"
    return re.compile(rf"{re.escape(prefix)}{boundary}(?P<tail>{_FORMS[prefix]})(?![A-Za-z0-9_])")


@cache
def _middle(each: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    literal, after, before, _ = _BEHIND[each]
    return re.compile(rf"{re.escape(literal)}{after}(?![A-Za-z0-9_])"), re.compile(rf"{before}(?![\w/+-])")


def formed(text: Text) -> Iterator[Span]:
    """Keys and tokens of a known form. A form is compiled when a text first holds its literal."""
    if not text.long:
        return
    for start in sorted(_BY_START.keys() & _START.findall(text.long)):
        for prefix in _BY_START[start]:
            if prefix in text.long:
                for found in _form(prefix).finditer(text.whole):
                    if len(set(found["tail"])) >= _FEW:
                        yield Span(*found.span(), "SECRET", PROVEN)
    yield from _middles(text)
    yield from _prefixed(text)


def _middles(text: Text) -> Iterator[Span]:
    wanted = [(*_middle(each), row[3] + 1) for each, row in enumerate(_BEHIND) if row[0] in text.long]
    if text.long.count(".") > 1:
        wanted.append((_DISCORD, _DISCORD_HEAD, 27))
    for after, before, length in wanted:
        for found in after.finditer(text.whole):
            head = before.match(backwards(text.whole, found.start(), length))
            if head is not None:
                yield Span(found.start() - head.end(), found.end(), "SECRET", PROVEN)


def _prefixed(text: Text) -> Iterator[Span]:
    longest = [each for each in text.long.split(" ") if len(each) >= _LONGEST]
    for found in _PREFIXED.finditer(" ".join(longest)) if longest else ():
        tail = found["tail"]
        if (
            len(set(tail)) >= _MANY
            and _HEXADECIMAL.fullmatch(tail) is None
            and sum(map(str.isdigit, tail)) * 12 >= len(tail)
        ):
            at = text.whole.find(found[0])
            while at >= 0:
                yield Span(at, at + len(found[0]), "SECRET", PROVEN)
                at = text.whole.find(found[0], at + len(found[0]))
