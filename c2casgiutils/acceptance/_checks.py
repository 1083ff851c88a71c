"""What a connection checks of each response."""

import enum
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from c2casgiutils import _secrets

if TYPE_CHECKING:
    import httpx

__tracebackhide__ = True  # pytest shows the line of the test, not those of this module

_NO_CONTENT = 204
_SHOWN_CHARACTERS = 2_000


class CacheExpected(enum.Enum):
    """What `Cache-Control` must say (RFC 9111).

    Attributes:
        NO: `no-cache` or `no-store`.
        YES: A `max-age` of more than 0 seconds, and neither of the two.
        DONT_CARE: Not checked.
    """

    NO = enum.auto()
    YES = enum.auto()
    DONT_CARE = enum.auto()


class Checks(TypedDict, total=False):
    """What is expected of a response.

    Attributes:
        expected_status: The status, or those that are accepted; by default 200, or 204 for `delete`.
        cors: Send `Origin`, and check that a browser lets this origin read the response; by default where
            the connection has an origin.
        cache_expected: By default that of the connection.
    """

    expected_status: int | Collection[int]
    cors: bool
    cache_expected: CacheExpected


class Options(Checks, total=False):
    """What is sent, and what is expected of the response.

    Attributes:
        params: The query.
        headers: Added to those of the connection, which they replace where both have one.
        follow_redirects: By default redirects are responses as others are.
        timeout: Seconds; by default that of the connection.
    """

    params: Mapping[str, Any]
    headers: Mapping[str, str]
    follow_redirects: bool
    timeout: float


class FormOptions(Options, total=False):
    """The same with a form.

    Attributes:
        data: The fields.
    """

    data: Mapping[str, Any]


class BodyOptions(FormOptions, total=False):
    """The same with any body.

    Attributes:
        content: The body as it is sent.
        json: What is sent as JSON.
        files: By field of the form: a binary file, or a name, its content and its media type.
    """

    content: str | bytes
    json: Any
    files: Mapping[str, Any]


class Expectation:
    """Check responses.

    Args:
        origin: The `Origin` that was sent; `None` without a check of CORS.
        statuses: Those that are accepted.
        cache: What `Cache-Control` must say.
    """

    def __init__(self, origin: str | None, statuses: Collection[int], cache: CacheExpected) -> None:
        self._origin = origin
        self._statuses = statuses
        self._cache = cache

    def check(self, response: "httpx.Response") -> None:
        """Check the status, the headers of CORS and `Cache-Control`.

        Raises:
            AssertionError: One of them is not as expected. Where the application runs in this process, its
                exception is the cause.
        """
        complaint = self._status(response) or self._cors(response) or self._caching(response)
        if complaint:
            raise AssertionError(describe(response, complaint)) from response.extensions.get("exception")

    def _status(self, response: "httpx.Response") -> str | None:
        if response.status_code in self._statuses:
            return None
        wanted = " or ".join(map(str, self._statuses))
        if isinstance(self._statuses, range):
            wanted = f"{self._statuses[0]} to {self._statuses[-1]}"
        return f"status {response.status_code} instead of {wanted}{_location(response)}{_body(response)}"

    def _cors(self, response: "httpx.Response") -> str | None:
        if self._origin is None:
            return None
        allowed = response.headers.get("access-control-allow-origin")
        if allowed == self._origin:
            return None
        with_credentials = response.headers.get("access-control-allow-credentials") == "true"
        if allowed == "*" and not with_credentials:
            return None
        wanted = f"{self._origin!r}, as credentials are allowed" if with_credentials else "'*' or the origin"
        return f"Access-Control-Allow-Origin is {allowed!r}, it must be {wanted}; cors=False skips this check"

    def _caching(self, response: "httpx.Response") -> str | None:
        if self._cache is CacheExpected.DONT_CARE:
            return None
        header = response.headers.get("cache-control")
        directives = _directives(header or "")
        # With names of headers, `no-cache` is about these only.
        refused = directives.get("no-cache") == "" or "no-store" in directives
        if self._cache is CacheExpected.NO:
            wanted, holds = "no-cache or no-store", refused
        else:
            age = directives.get("max-age", "")
            wanted = "a max-age of more than 0 seconds, and neither no-cache nor no-store"
            holds = not refused and age.isdecimal() and int(age) > 0
        if holds:
            return None
        skip = "cache_expected=CacheExpected.DONT_CARE skips this check"
        return f"Cache-Control is {header!r}, it must hold {wanted}; {skip}"


def describe(response: "httpx.Response", complaint: str) -> str:
    """Return a message about a response; secrets in its address are masked."""
    return f"{response.request.method} {_secrets.scrub(str(response.request.url))}: {complaint}"


def read_json(response: "httpx.Response") -> Any:
    """Return the content of a JSON response; `None` for 204.

    Raises:
        AssertionError: The response is not JSON.
    """
    if response.status_code == _NO_CONTENT:
        return None
    _check_type(response, "json")
    try:
        return response.json()
    except json.JSONDecodeError as error:
        raise AssertionError(describe(response, f"not valid JSON: {error}{_body(response)}")) from None


def read_xml(response: "httpx.Response", schema: str | None) -> Any:
    """Return the root element of an XML response.

    Nothing is loaded for it: no external entities, and no document of another host.

    Args:
        response: The response.
        schema: The path of an XML schema (XSD) that it must fulfil.

    Raises:
        AssertionError: The response is not XML, or not as the schema says.
    """
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  # it brings no types

    _check_type(response, "xml")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(response.content, parser)
    except etree.XMLSyntaxError as error:
        raise AssertionError(describe(response, f"not valid XML: {error}{_body(response)}")) from None
    if schema is not None:
        rules = etree.XMLSchema(etree.parse(schema))
        if not rules.validate(root):
            complaint = f"not as {schema} says: {rules.error_log.last_error}{_body(response)}"
            raise AssertionError(describe(response, complaint))
    return root


def _check_type(response: "httpx.Response", kind: str) -> None:
    header = response.headers.get("content-type")
    media_type = (header or "").partition(";")[0].strip().lower()
    if media_type in {f"application/{kind}", f"text/{kind}"} or media_type.endswith(f"+{kind}"):
        return
    complaint = f"Content-Type is {header!r}, it must be {kind.upper()}{_body(response)}"
    raise AssertionError(describe(response, complaint))


def _directives(header: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in header.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _location(response: "httpx.Response") -> str:
    location = response.headers.get("location")
    return f" (to {_secrets.scrub(location)})" if location else ""


def _body(response: "httpx.Response") -> str:
    text = response.text
    left_out = len(text) - _SHOWN_CHARACTERS
    if left_out > 0:
        text = f"{text[:_SHOWN_CHARACTERS]}… ({left_out} more characters)"
    return f"\n{text}" if text else ""
