"""All rules of a middleware in one table that maps a response to the headers it gets."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.types import Scope

from c2casgiutils.headers._documentation import documentation_page
from c2casgiutils.headers._matchers import Rule
from c2casgiutils.headers._values import CSP_HEADERS, CSP_NONCE

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

RawHeader = tuple[bytes, bytes]

CONTENT_TYPE = 1
TOUCHED = 2

_MAX_REMEMBERED = 1024
_MAX_HOSTS = 256
_MAX_TYPES_PER_HOST = 32
_MAX_REMEMBERED_LENGTH = 256
_CSP_NAMES = frozenset(name.encode() for name in CSP_HEADERS)
_NONCE = CSP_NONCE.encode()
_CACHE_CONTROL = b"cache-control"
_SET_COOKIE = b"set-cookie"
_ONE_USER = re.compile(rb"\b(private|no-store|no-cache)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of one combination of matching rules on a response."""

    added: tuple[RawHeader, ...]
    """The headers to add to a response that has none of them."""
    defaults: tuple[RawHeader, ...]
    """The part of `added` that does not replace headers of the endpoint."""
    overrides: tuple[RawHeader, ...]
    """The part of `added` that replaces headers of the endpoint."""
    replaced: frozenset[bytes]
    """The headers of the endpoint to remove."""
    has_nonce: bool
    is_shared: bool
    """Whether it allows shared caches to store the response."""

    def edit(self, headers: Sequence[RawHeader], final: frozenset[bytes]) -> list[RawHeader]:
        """Return the headers of a response that already has some of them.

        A response with a cookie belongs to one user: rules for shared caches do not apply to it.

        Args:
            headers: Its headers.
            final: The names of headers that no rule changes if the response has them.
        """
        if final or self.is_shared:
            sent = {header[0].lower() for header in headers}
            final &= sent
            if self.is_shared and _SET_COOKIE in sent:
                final |= {_CACHE_CONTROL}
        kept = [header for header in headers if header[0].lower() not in self.replaced - final]
        present = {header[0].lower() for header in kept}
        defaults = [header for header in self.defaults if header[0] not in present]
        return [*kept, *defaults, *(header for header in self.overrides if header[0] not in final)]

    def with_nonce(self, nonce: str) -> "Plan":
        """Return the plan with the nonce in its policies."""
        raw = f"'nonce-{nonce}'".encode()

        def fill(headers: tuple[RawHeader, ...]) -> tuple[RawHeader, ...]:
            return tuple(
                (name, value.replace(_NONCE, raw) if name in _CSP_NAMES else value) for name, value in headers
            )

        defaults, overrides = fill(self.defaults), fill(self.overrides)
        return replace(
            self, added=(*defaults, *overrides), defaults=defaults, overrides=overrides, has_nonce=False
        )


def make_plan(rules: Sequence[Rule]) -> Plan:
    """Combine matching rules, in the order in which they apply, into one plan."""
    defaults: dict[bytes, bytes | None] = {}
    overrides: dict[bytes, bytes | None] = {}
    for rule in rules:
        (defaults if rule.is_library else overrides).update(rule.headers)
    library = tuple(
        (name, value) for name, value in defaults.items() if value is not None and name not in overrides
    )
    user = tuple((name, value) for name, value in overrides.items() if value is not None)
    return Plan(
        added=(*library, *user),
        defaults=library,
        overrides=user,
        replaced=frozenset(overrides),
        has_nonce=any(name in _CSP_NAMES and _NONCE in value for name, value in (*library, *user)),
        is_shared=_is_shared(overrides),
    )


def _is_shared(overrides: Mapping[bytes, bytes | None]) -> bool:
    """Return whether a rule sets caching headers and does not restrict the response to one user, RFC 9111."""
    return _CACHE_CONTROL in overrides and not _ONE_USER.search(overrides[_CACHE_CONTROL] or b"")


class Rules:
    """The compiled rules.

    A set of rules is an integer whose bit `n` stands for rule number `n`, in the order in which they apply.
    Narrowing a set down is then one operation on an integer, and a set is a cheap key of a dict.

    A response goes through three steps, of which most responses need only the first:

    1. `decisions` contains the headers to add for its host and its content type. There are few such pairs, so
    the results of the regexes are cached. 2. If one of the remaining rules has another condition, or a nonce,
    `decisions` contains the set of rules instead, and `plan` checks status, method and path. There are many
    paths, so nothing is cached for them. 3. The plan of the remaining set is cached by the set.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        # Rules of the library come first, so that those of the application override them.
        ordered = sorted(rules, key=lambda rule: (not rule.is_library, rule.order))
        self._rules = {1 << number: rule for number, rule in enumerate(ordered)}
        # The names that a response must not have so that its headers can be sent unchanged.
        touched = {name for rule in rules for name, _ in rule.headers}
        self._touched = touched | {_SET_COOKIE} if _CACHE_CONTROL in touched else touched
        self._conditional = [(bit, rule) for bit, rule in self._rules.items() if rule.is_conditional]
        self._with_nonce = {bit: rule for bit, rule in self._rules.items() if make_plan([rule]).has_nonce}
        self._documentation = sum(bit for bit, rule in self._rules.items() if rule.documentation)
        # If one of these remains, host and content type do not determine the headers to add.
        self._undecided = sum(bit for bit, _ in self._conditional) | sum(self._with_nonce)
        self._plans: dict[int, Plan] = {}
        self.has_nonce = bool(self._with_nonce)
        self.kinds: dict[bytes, int] = {}
        """By header name: `TOUCHED` if a rule sets it, `CONTENT_TYPE` if it is only that, else 0."""
        self.decisions: dict[bytes, dict[bytes | None, Any]] = {}
        """By host and content type: the tuple of headers to add, or the set of rules still to be checked.

        The tuple is valid for a response that has none of the names in `_touched`."""
        self._masks: dict[tuple[bytes, bytes], int] = {}

    def learn(self, headers: Iterable[RawHeader], host: bytes) -> None:
        """Add the entries for a response with these headers to `kinds` and `decisions`.

        Args:
            headers: The headers of the response.
            host: The Host header of the request.
        """
        content_type = None
        for name, value in headers:
            kind = CONTENT_TYPE if name.lower() == b"content-type" else 0
            _remember(self.kinds, name, TOUCHED if name.lower() in self._touched else kind)
            content_type = value if kind else content_type
        mask = self.match(host, content_type or b"")
        # The client chooses the host: a long one would occupy memory, and is unlikely to be repeated.
        if len(host) + len(content_type or b"") > _MAX_REMEMBERED_LENGTH:
            return
        by_type = self.decisions.get(host, {})
        # An integer if status, method, path or nonce matter: the middleware checks the type.
        decision = mask if mask & self._undecided else self._plan(mask).added
        _remember(by_type, content_type, decision, _MAX_TYPES_PER_HOST)
        _remember(self.decisions, host, by_type, _MAX_HOSTS)

    def match(self, host: bytes, content_type: bytes) -> int:
        """Return the set of rules whose conditions on host and content type hold."""
        mask = self._masks.get((host, content_type))
        if mask is None:
            netloc, media_type = host.decode("latin-1"), content_type.decode("latin-1")
            mask = sum(
                bit
                for bit, rule in self._rules.items()
                if (rule.netloc is None or rule.netloc.match(netloc))
                and (rule.content_type is None or rule.content_type.match(media_type))
            )
            if len(host) + len(content_type) <= _MAX_REMEMBERED_LENGTH:
                _remember(self._masks, (host, content_type), mask)
        return mask

    def plan(self, mask: int, status: int, scope: Scope, path: str) -> Plan:
        """Return the effect of the rules in `mask` on a response.

        Args:
            mask: The set of rules that `match` returned.
            status: The status of the response.
            scope: The scope of the request.
            path: The path inside the root path, with its leading slash.
        """
        method = scope.get("method", "GET")
        page = documentation_page(scope) if mask & self._documentation else None
        bare_path = path.removeprefix("/")
        # Cheap conditions first, the regex on the path last.
        for bit, rule in self._conditional:
            if mask & bit and not (
                (rule.statuses is None or rule.statuses[0] <= status <= rule.statuses[1])
                and (rule.methods is None or method in rule.methods)
                and (rule.documentation is None or rule.documentation == page)
                and (rule.path is None or rule.path.match(path if rule.path_with_slash else bare_path))
            ):
                mask ^= bit  # the bit is set, so this clears it
        return self._plan(mask)

    def needs_nonce(self, host: bytes, method: str, path: str) -> bool:
        """Return whether the response may need a nonce.

        This is called before the response is known: status and content type may still rule it out.
        """
        netloc, bare_path = host.decode("latin-1"), path.removeprefix("/")
        return any(
            (rule.netloc is None or rule.netloc.match(netloc))
            and (rule.methods is None or method in rule.methods)
            and (rule.path is None or rule.path.match(path if rule.path_with_slash else bare_path))
            for rule in self._with_nonce.values()
        )

    def _plan(self, mask: int) -> Plan:
        plan = self._plans.get(mask)
        if plan is None:
            plan = make_plan([rule for bit, rule in self._rules.items() if bit & mask])
            _remember(self._plans, mask, plan)
        return plan


def _remember(memo: dict[_Key, _Value], key: _Key, value: _Value, most: int = _MAX_REMEMBERED) -> None:
    """Remember a decision.

    Clients choose some of the keys, so the size is limited. A full memo is cleared as a whole: entries in use
    return immediately, and no usage order has to be tracked.
    """
    if len(memo) >= most:
        memo.clear()
    memo[key] = value
