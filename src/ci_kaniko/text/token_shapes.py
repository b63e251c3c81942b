"""The shapes of credentials: what each begins with, and what follows.

The shapes are those of gitleaks' rules that need no context around the value
(https://github.com/gitleaks/gitleaks, config/gitleaks.toml, read in November 2026), often with
fewer characters: what was cut short is no less a credential. Docker's and Buildkite's are from
https://docs.docker.com/security/access-tokens/ and https://buildkite.com/docs/apis/managing-api-tokens.
"""

from __future__ import annotations

SHORTEST = 15
"""No text that is shorter holds a credential of these shapes."""

_WORD = "[A-Za-z0-9]"
_NAME = "[A-Za-z0-9_-]"
_BASE64 = "[A-Za-z0-9+/=_-]"

SHAPES: dict[str, str] = {
    # where code and images live
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _WORD + "{20,}"),
    "github_pat_": r"\w{20,}",
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-"), _NAME + "{16,}"),
    **dict.fromkeys(("glsoat-", "glimt-", "glagent-", "gloas-", "glffct-"), _NAME + "{16,}"),
    "GR1348941": _NAME + "{20,}",
    "dckr_pat_": _NAME + "{16,}",
    "dckr_oat_": _NAME + "{16,}",
    **dict.fromkeys(("bkua_", "bkct_", "bkat_", "bkai_", "bkpt_"), _WORD + "{20,}"),
    "AKCp": _WORD + "{60,}",
    "cmVmd": _WORD + "{50,}",
    "ATATT3": "[A-Za-z0-9_=-]{40,}",
    "ATBB": _WORD + "{28,}",
    # packages
    "npm_": _WORD + "{30,}",
    "pypi-": _NAME + "{40,}",
    "rubygems_": "[a-f0-9]{32,}",
    "CLOJARS_": "[A-Za-z0-9]{40,}",
    "oy2": "[a-z0-9]{43}",
    # clouds
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), "[A-Z0-9]{16}(?![A-Z0-9])"),
    "AIza": _NAME + "{30,}",
    "ya29.": _NAME + "{20,}",
    "LTAI": "[A-Za-z0-9]{20}(?![A-Za-z0-9])",
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), "[a-f0-9]{16,}"),
    "HRKU-AA": _NAME + "{30,}",
    "dapi": "[a-f0-9]{32}(?:-[0-9])?(?![a-z0-9])",
    "fo1_": r"[\w-]{43}",
    **dict.fromkeys(("fm1a_", "fm1r_", "fm2_"), "[A-Za-z0-9+/]{60,}"),
    "tk-us-": r"[\w-]{40,}",
    "sha256~": r"[\w-]{43}",
    **dict.fromkeys(("pscale_tkn_", "pscale_oauth_", "pscale_pw_"), r"[\w=.-]{24,}"),
    "pul-": "[a-f0-9]{40}",
    "ico-": _WORD + "{32}",
    ".atlasv1.": _BASE64 + "{40,}",
    # stores of secrets
    "hvs.": _NAME + "{20,}",
    "hvb.": _NAME + "{60,}",
    "dp.pt.": _WORD + "{32,}",
    "ops_eyJ": "[A-Za-z0-9+/]{60,}",
    "A3-": r"[A-Z0-9]{6}-[A-Z0-9-]{20,}",
    "AGE-SECRET-KEY-1": "[A-Z0-9]{40,}",
    "p8e-": "[a-z0-9]{32}",
    # services
    **dict.fromkeys(
        ("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"), _NAME + "{10,}"
    ),
    "xapp-": _NAME + "{20,}",
    **dict.fromkeys(("sk_live_", "sk_test_", "sk_prod_"), _WORD + "{10,}"),
    **dict.fromkeys(("rk_live_", "rk_test_", "rk_prod_"), _WORD + "{10,}"),
    "sk-ant-": _NAME + "{20,}",
    **dict.fromkeys(("sk-proj-", "sk-svcacct-", "sk-admin-"), _NAME + "{20,}"),
    "sk-": _NAME + "{20,200}T3BlbkFJ" + _NAME + "{16,}",
    "hf_": "[A-Za-z]{34}(?![A-Za-z])",
    "api_org_": "[A-Za-z]{34}(?![A-Za-z])",
    "pplx-": _WORD + "{32,}",
    "SG.": r"[\w=-]{16,}\.[\w=-]{16,}",
    "xkeysib-": "[a-f0-9]{40,}",
    **dict.fromkeys(("glc_", "glsa_"), "[A-Za-z0-9+/_=]{32,}"),
    "lin_api_": _WORD + "{30,}",
    "ntn_": _WORD + "{40,}",
    "PMAK-": "[a-f0-9]{24}-[a-f0-9]{20,}",
    "pnu_": _WORD + "{36}",
    "rdme_": "[a-z0-9]{60,}",
    "sntryu_": "[a-f0-9]{40,}",
    "sntrys_": "[A-Za-z0-9+/=_]{40,}",
    "sgp_": "[A-Fa-f0-9_]{36,}",
    "dt0c01.": r"[A-Za-z0-9]{20,}\.[A-Za-z0-9]{20,}",
    **dict.fromkeys(("shpat_", "shpca_", "shppa_", "shpss_"), "[A-Fa-f0-9]{32}"),
    **dict.fromkeys(("shippo_live_", "shippo_test_"), "[A-Fa-f0-9]{30,}"),
    **dict.fromkeys(("sm_aat_", "sm_pat_", "sm_sat_"), _WORD + "{16}"),
    "sq0atp-": r"[\w-]{22,}",
    "API-": "[A-Z0-9]{26}(?![A-Za-z0-9])",
    "EZAK": _WORD + "{50,}",
    "FLWSECK_TEST-": _WORD + "{12,}",
    "fio-u-": _BASE64 + "{50,}",
    **dict.fromkeys(("duffel_live_", "duffel_test_"), _BASE64 + "{40,}"),
    "hooks.slack.com/": "(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,}",
    # of any service
    "eyJ": r"[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}",
    "-----BEGIN ": "[A-Z0-9 ]*PRIVATE KEY.*",
}

HEADS: dict[str, str] = {".atlasv1.": "[a-z0-9]{14}"}
"""What stands before the part that tells a shape."""
