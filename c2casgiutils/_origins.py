"""Checks whether a pattern of origins is limited to the domains it names."""

import importlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

# What a pattern matches can only be derived from its parsed form, for which `re` has no public API; seen in
# Python 3.11 to 3.14.
_PARSER = importlib.import_module("re._parser")

_MAX_TAILS = 500
_NUMERIC = re.compile(r"[0-9.]*(:[0-9]*)?")
_PORT = re.compile(r":[0-9]*$")
# https://www.rfc-editor.org/rfc/rfc6761 and the like: names that cannot be registered
_RESERVED = frozenset(("internal", "local", "localhost", "test"))
# https://publicsuffix.org has all of them; these are the most common ones for applications
_COUNTRY_SUFFIX = re.compile(r"(ac|co|com|edu|go|gob|gouv|gov|ne|net|nom|or|org)\.[a-z]{2}")
_HOSTING_SUFFIX = re.compile(
    r"(amazonaws|appspot|blogspot|firebaseapp|herokuapp|onrender)\.com"
    r"|(azurestaticapps|azurewebsites|cloudapp|cloudfront|trafficmanager)\.net"
    r"|(github|gitlab|ngrok|readthedocs)\.io|(netlify|ngrok|ngrok-free|run|up\.railway|vercel|web)\.app"
    r"|(fly|github|pages|workers)\.dev|glitch\.me|surge\.sh"
)


class _Tail(NamedTuple):
    """The end of the texts that a pattern matches; if it is open, anything may precede the text."""

    text: str
    is_open: bool


def is_bounded(pattern: str | re.Pattern[str]) -> bool:
    r"""Return whether a pattern matches only origins of domains that it names, with any port.

    Bounded are `https://(.+\.)?example\.com` and `https://(a|b)\.example\.(com|org)(:\d+)?`; not bounded are
    `https://.*\.com` (any domain in it), `https://.*example\.com` (also `evilexample.com`) and
    `https://app.example\.com` (an unescaped dot).

    Args:
        pattern: A regular expression for whole origins.

    Raises:
        ValueError: The pattern is not a valid regular expression.
    """
    text = pattern if isinstance(pattern, str) else pattern.pattern
    try:
        parsed = _PARSER.parse(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return all(_is_named(tail) for tail in _before(parsed, {_Tail("", is_open=False)}))


def _is_named(tail: _Tail) -> bool:
    text = _PORT.sub("", tail.text)
    if not tail.is_open:
        return text != "null"  # the origin of sandboxed pages and local files
    if "://" in text:
        return True
    _, _, domain = text.partition(".")
    is_shared = _HOSTING_SUFFIX.fullmatch(domain) or _COUNTRY_SUFFIX.fullmatch(domain)
    return domain in _RESERVED or ("." in domain and not is_shared)


def _before(nodes: Iterable[Any], tails: set[_Tail]) -> set[_Tail]:
    """Return the tails of a sequence of nodes, each preceding one of `tails`."""
    for operation, argument in reversed(list(nodes)):
        closed = {tail for tail in tails if not tail.is_open}
        tails = (tails - closed) | _step(str(operation), argument, closed)
        if len(tails) > _MAX_TAILS:
            return {_Tail("", is_open=True)}
    return tails


def _step(operation: str, argument: Any, tails: set[_Tail]) -> set[_Tail]:
    match operation:
        case "LITERAL":
            before = {_Tail(chr(argument).lower() + tail.text, is_open=False) for tail in tails}
        case "AT":  # an anchor: whole origins are compared anyway
            before = tails
        case "SUBPATTERN":
            before = _before(argument[-1], tails)
        case "ATOMIC_GROUP":
            before = _before(argument, tails)
        case "BRANCH":
            before = {tail for branch in argument[1] for tail in _before(branch, tails)}
        case "IN" if _are_digits(argument) and all(_is_number(tail) for tail in tails):
            # of a port or an address: no domain ends in a number, so all numbers are equivalent
            before = {_Tail(f"0{tail.text}", is_open=False) for tail in tails}
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, nodes = argument
            before = _repeat(nodes, tails, most=most) | (set() if least else tails)
        case _:
            before = {_Tail(tail.text, is_open=True) for tail in tails}
    return before


def _repeat(nodes: Iterable[Any], tails: set[_Tail], *, most: int) -> set[_Tail]:
    once = _before(nodes, tails)
    if most == 1 or all(_is_number(tail) for tail in once):
        return once
    return {_Tail(tail.text, is_open=True) for tail in once}


def _is_number(tail: _Tail) -> bool:
    return not tail.is_open and _NUMERIC.fullmatch(tail.text) is not None


def _are_digits(members: Iterable[Any]) -> bool:
    return all(
        argument == (ord("0"), ord("9")) or str(argument) == "CATEGORY_DIGIT" for _, argument in members
    )
