"""The archive of several diagnostics."""

import asyncio
import io
import json
import zipfile
from typing import Any

import pytest

from c2casgiutils import config, debug


async def files(parts: dict[str, debug.Part], **options: Any) -> tuple[dict[str, Any], list[str]]:
    """The files of an archive, and the missing parts."""
    data, missing = await debug.dump(parts, **options)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}, missing


async def good() -> dict[str, float]:
    return {"a": float("nan")}


async def test_archive() -> None:
    """Each part is a file; another one says what is there."""
    found, missing = await files({"first": good, "second": good})
    head = found.pop("dump.json")
    assert found == {"first.json": {"a": None}, "second.json": {"a": None}}
    assert (head["files"], head["missing"], missing) == (["first", "second"], [], [])


class Odd(BaseException):
    pass


@pytest.mark.parametrize("error", [ValueError("It broke"), Odd("It broke"), SystemExit("It broke")])
async def test_failure(error: BaseException) -> None:
    """The file of a part that failed says why; the others are there."""

    async def fail() -> None:
        raise error

    found, missing = await files({"bad": fail, "good": good})
    assert found["bad.json"] == {"error": f"{type(error).__name__}: It broke"}
    assert found["good.json"] == {"a": None}
    assert missing == found["dump.json"]["missing"] == ["bad"]


async def test_late() -> None:
    """A part that does not come in time is missing, and does not delay the others longer than that."""
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    found, missing = await files({"late": wait, "good": good}, seconds=0.1)
    assert found["late.json"] == {"error": "not within 0.1 seconds"}
    assert (missing, ended.is_set()) == (["late"], True)


async def test_too_large() -> None:
    """A part of more than 4 MiB is left out."""

    async def large() -> str:
        return "x" * (4 * 1024 * 1024)

    found, _ = await files({"large": large})
    assert found["large.json"] == {"error": "larger than 4194304 bytes"}


@pytest.mark.parametrize("value", ["\ud800", object(), {"a": b"\xff"}])
async def test_not_json(value: object) -> None:
    """What JSON cannot hold is a part that is missing."""

    async def odd() -> object:
        return value

    found, missing = await files({"odd": odd})
    assert found["odd.json"]["error"].startswith("not JSON")
    assert missing == ["odd"]


async def test_error_without_secrets() -> None:
    """The text of an error has no secrets of the settings, and is short."""
    config.settings.auth.secret = "hunter2-of-the-service"

    async def fail() -> None:
        raise OSError("redis://:word@host hunter2-of-the-service \ud800 " + "x" * 10_000)

    found, _ = await files({"bad": fail})
    text = found["bad.json"]["error"]
    assert "word@" not in text
    assert "hunter2" not in text
    assert len(text) <= 1000
