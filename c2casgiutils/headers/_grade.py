"""Grades the headers of a response by the rules of the MDN HTTP Observatory, offline.

Tests that need the network (redirects, the preload list) or the page (subresource integrity) are omitted.
https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

_BEST = 100
_MINIMUM_FOR_BONUS = 90
_SIX_MONTHS = 15768000
_LETTERS = (
    *((100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-")),
    *((60, "C+"), (50, "C"), (45, "C-"), (40, "D+"), (30, "D"), (25, "D-"), (0, "F")),
)
_BROAD = frozenset({"*", "https:", "http:", "data:", "https://*", "http://*"})
_PASSIVE = frozenset({"img-src", "media-src"})
_PRIVATE_REFERRER = frozenset(
    {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
)
_UNSAFE_REFERRER = frozenset(
    {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}
)
_GUARDED_INLINE = re.compile(r"'(nonce|sha256|sha384|sha512)-")
_TELLTALES = ("x-powered-by", "x-generator", "x-aspnet-version", "sourcemap")


class Finding(NamedTuple):
    """The finding about one header."""

    header: str
    modifier: int
    """Points added; a bonus only counts if the score is 90 or more without it."""
    message: str


class Grade(NamedTuple):
    """The result of `grade`."""

    score: int
    """0 or more; 100 is very good, bonuses are added."""
    findings: list[Finding]

    @property
    def letter(self) -> str:
        """The score as a letter, from A+ to F."""
        return next(letter for least, letter in _LETTERS if self.score >= least)


def grade(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Grade:
    """Grade the headers of a response.

    Args:
        headers: Names (in any case) and values, as pairs if a name occurs more than once.

    Returns:
        The score and the findings it results from: `score, findings = grade(headers)`.
    """
    fields: dict[str, list[str]] = {}
    pairs = cast("Iterable[tuple[str, str]]", headers.items() if isinstance(headers, Mapping) else headers)
    for name, value in pairs:
        fields.setdefault(name.lower(), []).append(value.strip())
    policies = [_parse_policy(value) for value in fields.get("content-security-policy", [])]
    findings = [
        _grade_policy(policies),
        _grade_frames(fields, policies),
        _grade_hsts(fields),
        _grade_content_type_options(fields),
        _grade_referrer(fields),
        _grade_resource_policy(fields),
        _grade_sharing(fields),
        _grade_cookies(fields),
        *(
            Finding(name, 0, "discloses the software of the server; remove it")
            for name in _TELLTALES
            if name in fields
        ),
    ]
    score = _BEST + sum(min(finding.modifier, 0) for finding in findings)
    if score >= _MINIMUM_FOR_BONUS:
        score += sum(max(finding.modifier, 0) for finding in findings)
    return Grade(max(score, 0), findings)


def _parse_policy(text: str) -> dict[str, list[str]]:
    directives: dict[str, list[str]] = {}
    for part in text.lower().split(";"):
        name, *sources = part.split() or [""]
        if name:
            directives.setdefault(name, sources)
    return directives


def _grade_policy(policies: list[dict[str, list[str]]]) -> Finding:
    name = "content-security-policy"
    if not policies:
        return Finding(name, -25, "is missing")
    # The browser enforces all of them, so the strictest one counts.
    return max((_grade_one_policy(policy) for policy in policies), key=lambda finding: finding.modifier)


def _grade_one_policy(policy: dict[str, list[str]]) -> Finding:
    default = policy.get("default-src")
    script, objects, style = (policy.get(name, default) for name in ("script-src", "object-src", "style-src"))
    is_restricted = script is not None and objects is not None
    script, objects, style = script or [], objects or [], style or []
    insecure = {name for name, sources in policy.items() for each in sources if each.startswith("http:")}
    is_strict = default == ["'none'"] and policy.get("form-action") in (["'none'"], ["'self'"])
    judgements = (
        (not policy, -25, "has no directive"),
        (not is_restricted, -20, "does not restrict both script-src and object-src"),
        (_allows_inline(script), -20, "allows inline scripts"),
        (_BROAD & {*script, *objects}, -20, "allows broad sources of scripts or objects"),
        (insecure - _PASSIVE, -20, "allows insecure schemes"),
        ("'unsafe-eval'" in script, -10, "allows 'unsafe-eval'"),
        (insecure, -10, "allows insecure schemes for images and media"),
        (_allows_inline(style) or _BROAD & set(style), 0, "allows unsafe sources of styles"),
        (is_strict, 10, "allows nothing unsafe, and nothing by default"),
    )
    for applies, modifier, message in judgements:
        if applies:
            return Finding("content-security-policy", modifier, message)
    return Finding("content-security-policy", 5, "allows nothing unsafe")


def _allows_inline(sources: list[str]) -> bool:
    return "'unsafe-inline'" in sources and not any(_GUARDED_INLINE.match(source) for source in sources)


def _grade_frames(fields: Mapping[str, list[str]], policies: list[dict[str, list[str]]]) -> Finding:
    name = "x-frame-options"
    if any("frame-ancestors" in policy for policy in policies):
        return Finding(name, 5, "is covered by frame-ancestors of the Content-Security-Policy")
    if name not in fields:
        return Finding(name, -20, "is missing")
    if all(value.lower() in {"deny", "sameorigin"} for value in fields[name]):
        return Finding(name, 0, "is good")
    return Finding(name, -20, "is not valid")


def _grade_hsts(fields: Mapping[str, list[str]]) -> Finding:
    name = "strict-transport-security"
    if name not in fields:
        return Finding(name, -20, "is missing")
    found = re.fullmatch(
        r'(?:.*;)?\s*max-age\s*=\s*"?([0-9]{1,12})"?\s*(?:;.*)?', fields[name][0], re.IGNORECASE
    )
    if found is None:
        return Finding(name, -20, "is not valid")
    if int(found[1]) < _SIX_MONTHS:
        return Finding(name, -10, "is valid for less than six months")
    return Finding(name, 0, "is good")


def _grade_content_type_options(fields: Mapping[str, list[str]]) -> Finding:
    name = "x-content-type-options"
    if name not in fields:
        return Finding(name, -5, "is missing")
    if all(value.lower() == "nosniff" for value in fields[name]):
        return Finding(name, 0, "is good")
    return Finding(name, -5, "is not nosniff")


def _grade_referrer(fields: Mapping[str, list[str]]) -> Finding:
    name = "referrer-policy"
    if name not in fields:
        return Finding(name, 0, "is missing")
    known = [
        policy
        for policy in re.split(r"[,\s]+", ",".join(fields[name]).lower())
        if policy in _PRIVATE_REFERRER | _UNSAFE_REFERRER
    ]
    if not known:
        return Finding(name, -5, "is not valid")
    if known[-1] in _UNSAFE_REFERRER:
        return Finding(name, -5, f"is {known[-1]}, which discloses too much to other sites")
    return Finding(name, 5, "is good")


def _grade_resource_policy(fields: Mapping[str, list[str]]) -> Finding:
    name = "cross-origin-resource-policy"
    value = fields.get(name, [""])[0].lower()
    if value in {"same-origin", "same-site"}:
        return Finding(name, 10, "is good")
    if value == "cross-origin":
        return Finding(name, 0, "lets all sites embed this response")
    return Finding(name, -5, "is not valid") if value else Finding(name, 0, "is missing")


def _grade_sharing(fields: Mapping[str, list[str]]) -> Finding:
    name = "access-control-allow-origin"
    if name not in fields:
        return Finding(name, 0, "is not sent")
    with_credentials = "true" in fields.get("access-control-allow-credentials", [])
    if with_credentials and fields[name][0] in {"*", "null"}:
        return Finding(name, -50, "lets every site read this response with the credentials of the user")
    return Finding(name, 0, "lets other sites read this response")


def _grade_cookies(fields: Mapping[str, list[str]]) -> Finding:
    name = "set-cookie"
    has_hsts = _grade_hsts(fields).modifier == 0
    findings = [_grade_cookie(cookie, has_hsts=has_hsts) for cookie in fields.get(name, [])]
    return min(findings, key=lambda each: each.modifier, default=Finding(name, 0, "is not sent"))


def _grade_cookie(cookie: str, *, has_hsts: bool) -> Finding:
    pair, *parts = (part.strip() for part in cookie.split(";"))
    cookie_name = pair.partition("=")[0]
    attributes = {key.strip().lower(): value.strip().lower() for key, _, value in map(_partition, parts)}
    is_session = any(word in cookie_name.lower() for word in ("sess", "login", "auth"))
    same_site = attributes.get("samesite")

    def finding(modifier: int, message: str) -> Finding:
        return Finding("set-cookie", modifier, f"{cookie_name}: {message}")

    if "secure" not in attributes:
        with_hsts, without = (-10, -40) if is_session else (-5, -20)
        return finding(with_hsts if has_hsts else without, "is not Secure")
    if is_session and "httponly" not in attributes:
        return finding(-30, "is not HttpOnly")
    if same_site is not None and same_site not in {"strict", "lax", "none"}:
        return finding(-20, "has an invalid SameSite")
    if "csrf" in cookie_name.lower() and same_site is None:
        return finding(-20, "has no SameSite")
    return finding(5 if same_site else 0, "is good" if same_site else "has no SameSite")


def _partition(text: str) -> tuple[str, str, str]:
    return text.partition("=")
