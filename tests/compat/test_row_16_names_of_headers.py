"""Row 16: what applications of 0.x import from the headers, or read from the middleware."""

from starlette.applications import Starlette

from c2casgiutils import headers
from c2casgiutils.tools.headers import HeadersClientInfoResponse, HeadersResponse


def test_client_info_is_a_model_of_its_own() -> None:
    info = HeadersResponse.model_fields["client_info"].annotation
    assert info is HeadersClientInfoResponse


def test_headers_config_of_the_middleware() -> None:
    """The matchers that apply, by name: those of the library and those of the application."""
    mine: dict[str, headers.HeaderMatcher] = {"mine": {"headers": {"X-Frame-Options": "SAMEORIGIN"}}}
    armor = headers.ArmorHeaderMiddleware(Starlette(), headers_config=mine)
    assert armor.headers_config == {**headers.DEFAULT_HEADERS_CONFIG, **mine}
    bare = headers.ArmorHeaderMiddleware(Starlette(), mine, use_default=False)
    assert bare.headers_config == mine
