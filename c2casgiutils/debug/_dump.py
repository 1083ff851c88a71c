"""One archive with the answers of several diagnostics."""

import asyncio
import datetime
import io
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pydantic_core

from c2casgiutils import config, instances
from c2casgiutils._errors import text_of
from c2casgiutils._secrets import scrub
from c2casgiutils._tasks import Failure, contained

_SECONDS = 8.0
_MAX_BYTES = 4 * 1024 * 1024
_MAX_REASON = 1000
_MIN_SECRET = 8

Part = Callable[[], Awaitable[Any]]
"""Returns what one file of the archive contains, as a model or JSON."""


async def dump(parts: Mapping[str, Part], *, seconds: float = _SECONDS) -> tuple[bytes, list[str]]:
    """Return a ZIP archive with a JSON file for each part, and the names of those that are missing.

    The parts are collected at the same time, and each has at most 4 MiB. The file of a part that cannot be
    had says why: `{"error": ...}`. `dump.json` tells when and by which process the archive was made.

    Args:
        parts: By the name of the file, without its extension.
        seconds: Maximum time for a part.
    """
    began = datetime.datetime.now(datetime.UTC)
    found = await asyncio.gather(*(_collect(part, seconds) for part in parts.values()))
    files = dict(zip(parts, found, strict=True))
    missing = [name for name, (_, is_there) in files.items() if not is_there]
    head = {"at": began, "instance": instances.own_id(), "files": list(files), "missing": missing}
    contents = {"dump": pydantic_core.to_json(head), **{name: data for name, (data, _) in files.items()}}
    return await asyncio.to_thread(_archive, contents, began), missing


async def _collect(part: Part, seconds: float) -> tuple[bytes, bool]:
    """Return the content of a file, and whether it is what was asked for."""
    try:
        async with asyncio.timeout(seconds):
            found = await contained(_call(part))
    except TimeoutError:
        return _error(f"not within {seconds:g} seconds"), False
    if isinstance(found, Failure):
        reason = getattr(found.error, "detail", None) or text_of(found.error)
        return _error(f"{type(found.error).__name__}: {reason}"), False
    try:
        data = pydantic_core.to_json(found, inf_nan_mode="null", indent=1)
    except ValueError as error:
        return _error(f"not JSON: {error}"), False
    if len(data) > _MAX_BYTES:
        return _error(f"larger than {_MAX_BYTES} bytes"), False
    return data, True


async def _call(part: Part) -> Any:
    return await part()


def _error(reason: str) -> bytes:
    secrets = [secret for secret in config.secrets_of(config.settings) if len(secret) >= _MIN_SECRET]
    text = scrub(reason, secrets)
    return pydantic_core.to_json({"error": text.encode(errors="backslashreplace").decode()[:_MAX_REASON]})


def _archive(contents: Mapping[str, bytes], at: datetime.datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            info = zipfile.ZipInfo(f"{name}.json", at.timetuple()[:6])
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
