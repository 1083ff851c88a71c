"""Responses for people who read them."""

import json
from typing import Any

from starlette.responses import JSONResponse

from c2casgiutils import config

__all__ = ["PrettyJSONResponse"]


class PrettyJSONResponse(JSONResponse):
    """JSON that is indented and sorted, as `C2C__JSON__PRETTY_PRINT` and `C2C__JSON__SORT_KEYS` say.

    Use it as `FastAPI(default_response_class=PrettyJSONResponse)`, or as the `response_class` of a route.
    Without one of the settings it is a `JSONResponse`. FastAPI serialises faster without a response class.
    """

    def render(self, content: Any) -> bytes:
        """Return the JSON as UTF-8.

        Raises:
            ValueError: A number is not finite, which JSON has no text for (RFC 8259, section 6).
        """
        settings = config.settings.json_responses
        if settings.sort_keys:
            content = _sorted(content)
        if not settings.pretty_print:
            return super().render(content)
        return (json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def _sorted(content: Any) -> Any:
    """Return the content with the keys of its mappings sorted by their text in JSON."""
    if isinstance(content, dict):
        return {key: _sorted(content[key]) for key in sorted(content, key=str)}
    if isinstance(content, list | tuple):
        return [_sorted(item) for item in content]
    return content
