"""All rules of a middleware as one table: from a response to the list of headers it gets."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from c2casgiutils.headers._matchers import Rule
from c2casgiutils.headers._values import CSP_HEADERS, CSP_NONCE

_Key = TypeVar("_Key", bytes, str, int)
_Condition = TypeVar("_Condition")

RawHeader = tuple[bytes, bytes]

_MEMO_ENTRIES = 1024
_MEMO_KEY_LENGTH = 256
_CSP_NAMES = frozenset(name.encode() for name in CSP_HEADERS)
_NONCE = CSP_NONCE.encode()


class Memo(dict[_Key, int], Generic[_Key]):
    """Decisions taken before, as bit masks of rules; bounded, since clients choose some of the keys."""

    def __init__(self, decide: Callable[[_Key], int]) -> None:
        super().__init__()
        self._decide: Callable[[_Key], int] = decide

    def __missing__(self, key: _Key) -> int:
        """Decide, and remember it while there is room."""
        mask = self._decide(key)
        if len(self) < _MEMO_ENTRIES and (isinstance(key, int) or len(key) <= _MEMO_KEY_LENGTH):
            self[key] = mask
        return mask


@dataclass(frozen=True, slots=True)
class Plan:
    """What one combination of matching rules does to a response."""

    names: frozenset[bytes]
    """Every header it sets or removes."""
    added: tuple[RawHeader, ...]
    """What it adds to a response that has none of these."""
    defaults: tuple[RawHeader, ...]
    """The part of `added` that gives way to what the endpoint set."""
    overrides: tuple[RawHeader, ...]
    """The part of `added` that replaces what the endpoint set."""
    replaced: frozenset[bytes]
    """What is taken away from the endpoint's headers."""
    has_nonce: bool

    def edit(self, headers: Sequence[RawHeader]) -> list[RawHeader]:
        """Give the headers of a response that has some of the names already."""
        kept = [header for header in headers if header[0].lower() not in self.replaced]
        present = {header[0].lower() for header in kept}
        defaults = [header for header in self.defaults if header[0] not in present]
        return [*kept, *defaults, *self.overrides]

    def with_nonce(self, nonce: str) -> "Plan":
        """Give the plan with the nonce in its policies."""
        raw = f"'nonce-{nonce}'".encode()

        def fill(headers: tuple[RawHeader, ...]) -> tuple[RawHeader, ...]:
            return tuple(
                (name, value.replace(_NONCE, raw) if name in _CSP_NAMES else value) for name, value in headers
            )

        defaults, overrides = fill(self.defaults), fill(self.overrides)
        return Plan(self.names, (*defaults, *overrides), defaults, overrides, self.replaced, has_nonce=False)


def make_plan(rules: Sequence[Rule]) -> Plan:
    """Fold matching rules, in the order in which they apply, into one plan."""
    defaults: dict[bytes, bytes | None] = {}
    overrides: dict[bytes, bytes | None] = {}
    for rule in rules:
        (defaults if rule.is_library else overrides).update(rule.headers)
    library = tuple(
        (name, value) for name, value in defaults.items() if value is not None and name not in overrides
    )
    user = tuple((name, value) for name, value in overrides.items() if value is not None)
    return Plan(
        names=frozenset((*(name for name, _ in library), *overrides)),
        added=(*library, *user),
        defaults=library,
        overrides=user,
        replaced=frozenset(overrides),
        has_nonce=any(name in _CSP_NAMES and _NONCE in value for name, value in (*library, *user)),
    )


class Rules:
    """The compiled rules; sets of them are bit masks, bit `n` is the rule number `n`.

    Each condition gives the mask of the rules that it lets through, and the masks are combined with `&`. What
    can be remembered comes first, so that a regex on the path is only run when all else holds.

    A condition that no rule has is `None`.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (not rule.is_library, rule.order))
        self._rules = {1 << number: rule for number, rule in enumerate(ordered)}
        self._plans: dict[int, Plan] = {}
        self.all = (1 << len(ordered)) - 1
        self.with_path = self._mask(lambda rule: rule.path is not None)
        self.with_nonce = self._mask(lambda rule: make_plan([rule]).has_nonce)
        self.content_types: Memo[bytes] | None = self._memo(lambda rule: rule.content_type, _matches)
        self.netlocs: Memo[bytes] | None = self._memo(lambda rule: rule.netloc, _matches)
        self.methods: Memo[str] | None = self._memo(
            lambda rule: rule.methods, lambda methods, method: method in methods
        )
        self.statuses: Memo[int] | None = self._memo(
            lambda rule: rule.statuses, lambda pair, status: pair[0] <= status <= pair[1]
        )

    def paths(self, path: str, root_path: str, pending: int) -> int:
        """Give the rules whose path lets this request through.

        Args:
            path: The path of the scope.
            root_path: The root path of the scope.
            pending: The rules that all other conditions let through; only their regexes are run.
        """
        inside = path_inside(path, root_path)
        without_slash = inside.removeprefix("/")
        mask = pending & ~self.with_path
        pending &= self.with_path
        while pending:
            bit = pending & -pending
            pending ^= bit
            rule = self._rules[bit]
            assert rule.path is not None  # noqa: S101
            if rule.path.match(inside if rule.path_with_slash else without_slash):
                mask |= bit
        return mask

    def plan(self, mask: int) -> Plan:
        """Give what these rules do together."""
        plan = self._plans.get(mask)
        if plan is None:
            plan = make_plan([rule for bit, rule in self._rules.items() if bit & mask])
            if len(self._plans) < _MEMO_ENTRIES:
                self._plans[mask] = plan
        return plan

    def _mask(self, has: Callable[[Rule], bool]) -> int:
        return sum(bit for bit, rule in self._rules.items() if has(rule))

    def _memo(
        self, condition_of: Callable[[Rule], _Condition | None], holds: Callable[[_Condition, _Key], bool]
    ) -> Memo[_Key] | None:
        conditions = {bit: condition_of(rule) for bit, rule in self._rules.items()}
        if all(condition is None for condition in conditions.values()):
            return None

        def decide(key: _Key) -> int:
            return sum(
                bit for bit, condition in conditions.items() if condition is None or holds(condition, key)
            )

        return Memo(decide)


def path_inside(path: str, root_path: str) -> str:
    """Give the path inside the root path, with its leading slash."""
    root_path = root_path.rstrip("/")
    if root_path and path.startswith(root_path):
        rest = path[len(root_path) :]
        if not rest:
            return "/"
        if rest.startswith("/"):
            return rest
    return path


def _matches(pattern: re.Pattern[str], value: bytes) -> bool:
    return pattern.match(value.decode("latin-1")) is not None
