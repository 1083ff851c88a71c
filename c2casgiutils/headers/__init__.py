"""Security headers and forwarded headers as pure ASGI middlewares."""

from c2casgiutils.headers._armor import ArmorHeaderMiddleware
from c2casgiutils.headers._cors import add_cors
from c2casgiutils.headers._defaults import (
    API_HEADERS_CONFIG,
    DEFAULT_HEADERS_CONFIG,
    STRICT_HEADERS_CONFIG,
)
from c2casgiutils.headers._errors import ErrorMiddleware
from c2casgiutils.headers._forwarded import ForwardedHeadersMiddleware
from c2casgiutils.headers._grade import Finding, Grade, grade
from c2casgiutils.headers._matchers import HeaderMatcher
from c2casgiutils.headers._unread import UnreadForwardedMiddleware, unread_forwarded
from c2casgiutils.headers._values import CSP_NONCE, Header

__all__ = [
    "API_HEADERS_CONFIG",
    "CSP_NONCE",
    "DEFAULT_HEADERS_CONFIG",
    "STRICT_HEADERS_CONFIG",
    "ArmorHeaderMiddleware",
    "ErrorMiddleware",
    "Finding",
    "ForwardedHeadersMiddleware",
    "Grade",
    "Header",
    "HeaderMatcher",
    "UnreadForwardedMiddleware",
    "add_cors",
    "grade",
    "unread_forwarded",
]
