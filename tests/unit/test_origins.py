"""Patterns of origins: which stay within the domains that they name."""

import re

import pytest

from c2casgiutils._origins import is_bounded

BOUNDED = [
    r"https://example\.com",
    r"^https://example\.com$",
    r"https?://(.*\.)?example\.com(:\d+)?",
    r"https://(?:[a-z0-9-]+\.)*example\.com",
    r"https://.*[.]example[.]com",
    r"https://(app|admin)\.example\.(com|org)",
    r"https://a\.example\.com|https://b\.example\.org",
    r"https://pr-\d+\.example\.com(:[0-9]{1,5})?",
    r"(?i)https://[A-Z]+\.EXAMPLE\.COM",
    r"(?x) https:// [a-z]+ \. example \. com",
    r"https://(?!evil)[^.]+\.example\.com",
    r"https://.+\.example\.co\.uk",
    r"https://.+\.team\.github\.io",
    r"https://(?P<name>\w+)\.example\.com\Z",
    r"https://.*\.example\.com:8443",
    r".*://example\.com",
    r"http://localhost(:\d+)?",
    r"http://(localhost|127\.0\.0\.1):[0-9]+",
    r"http://.*\.localhost:\d+",
    r"http://10\.\d+\.\d+\.\d+(:\d+)?",
    r"http://192\.168(\.\d{1,3}){2}",
    r"http://\[::1\]:\d+",
]
UNBOUNDED = [
    r".*",
    r"https://.+",
    r"https?://.*(:\d+)?",
    r"https://.*\.com",
    r"https://[a-z]{3}\.com",
    r"https://\d+\.com",
    r"https://.*\.(com|example\.org)",
    r"https://.*example\.com",
    r"https://(.*)?example\.com",
    r"https://[a-z]*example\.com",
    r"https://x*\.com",
    r"https://app.example\.com",
    r"https://www.example.com",
    r"https://example\.com.*",
    r"https://example\.com(\..+)?",
    r"https://example\.[a-z]+",
    r"https://example\.com|.*",
    r"https://a\.example\.com|https://.*\.net",
    r"https://.+\.co\.uk",
    r"https://.+\.github\.io",
    r"https://(a|b|.*)\.io",
    r"https://\S+",
    r"https://(?=.*example\.com).*",
    r"https://.*\.example\.com(?<!x).?",
    r"(https://example)\.(.+)",
    r"https://(.)\1\.com",
    r"null",
    r"https://example\.com|null",
    r"(?i)https://.*EXAMPLE\.COM",
]


@pytest.mark.parametrize("pattern", BOUNDED)
def test_bounded(pattern: str) -> None:
    """Each domain is written out, behind a dot or the scheme."""
    assert is_bounded(pattern)
    assert is_bounded(re.compile(pattern))


@pytest.mark.parametrize("pattern", UNBOUNDED)
def test_unbounded(pattern: str) -> None:
    """Somebody can register a domain that the pattern matches and does not name."""
    assert not is_bounded(pattern)


def test_many_alternatives() -> None:
    """What has too many endings to look at is not bounded, and takes no long time."""
    assert not is_bounded("https://" + "(a|b)" * 40 + r"\.com")


@pytest.mark.parametrize("pattern", ["(", "[", "*", r"\8"])
def test_not_a_pattern(pattern: str) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(ValueError, match="not a regular expression: "):
        is_bounded(pattern)
