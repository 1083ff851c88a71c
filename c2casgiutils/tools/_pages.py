"""What the pages have in common: their headers and their templates."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

HEADERS = {
    # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
}
"""The headers of a page: it loads its own styles and images, and runs no script."""


@functools.cache
def templates() -> "jinja2.Environment":
    """Return the templates of the pages, which escape what they show."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("c2casgiutils.tools"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
