"""The static files of the page, under names that change with their content."""

import functools
import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles as _StaticFiles
from starlette.types import Scope

IMMUTABLE = "public, max-age=31536000, immutable"
"""The `Cache-Control` of files whose name changes with their content."""

_DIRECTORY = Path(__file__).parents[1] / "static"


class StaticFiles(_StaticFiles):
    """Serves the files of the page: `c2c.<hash>.css` is `c2c.css`, and can be cached forever."""

    def __init__(self) -> None:
        super().__init__(directory=_DIRECTORY)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file by its plain name, or by the name with the hash of its content."""
        plain = _plain_names().get(path)
        response = await super().get_response(plain or path, scope)
        if plain is not None:
            response.headers["Cache-Control"] = IMMUTABLE
        return response


def hashed_name(name: str) -> str:
    """Return the name of a static file with the hash of its content.

    Raises:
        KeyError: There is no such file.
    """
    return {plain: hashed for hashed, plain in _plain_names().items()}[name]


@functools.cache
def _plain_names() -> dict[str, str]:
    return {_hashed(path): path.name for path in sorted(_DIRECTORY.iterdir()) if path.is_file()}


def _hashed(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}"
