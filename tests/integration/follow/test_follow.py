"""Requests that are followed, in two workers with Redis."""

import asyncio
import collections
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.support.following import KEY, SECRET, Follower, serve
from tests.support.net import SOON_SECONDS, eventually
from tests.support.processes import RedisServer, Uvicorn
from tests.support.roster import is_settled


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(redis: RedisServer) -> Iterator[Uvicorn]:
    """Two workers."""
    with serve(workers=2, C2C__REDIS__URL=redis.url) as server:
        yield server


@pytest.fixture
async def follower(server: Uvicorn) -> AsyncIterator[Follower]:
    """Somebody who follows nothing any more at the end."""
    follower = Follower(server.url)
    yield follower
    if follower.reply:
        await follower.ask("DELETE", follower.path)


def told_by(stream: Any) -> set[str]:
    """Return the pids of the processes whose lines of the application arrived."""
    return {line["instance"].split(":")[1] for line in stream.lines if line["logger"] == "shop.orders"}


async def test_one_request_from_whichever_process(follower: Follower, server: Uvicorn) -> None:
    """All lines of the requests with the token reach the reader, and the log stays as it was."""
    reply = await follower.start()
    assert (reply["header"], reply["scope"]) == ("X-C2C-Follow", "cluster")
    assert reply["cookie"] == f"c2c_follow={reply['token']}"
    assert reply["cluster"]["applied"] == 2
    before = len(server.output)
    async with follower.stream() as stream:
        pids = await follower.visit_all("/work?text=followed", 2)
        await follower.visit("/work?text=stranger", token="")
        answer = await follower.visit("/work?text=last", **{"X-Request-ID": "the-last-one"})
        assert answer.headers["X-Request-ID"] == "the-last-one"
        await stream.wait(lambda stream: "last is done" in stream.messages())
        await stream.wait(lambda stream: {str(pid) for pid in pids} <= told_by(stream))
    of_application = [line for line in stream.lines if line["logger"] == "shop.orders"]
    assert "stranger" not in str(stream.lines)
    last = [line for line in of_application if line["request_id"] == "the-last-one"]
    assert [(line["level"], line["message"]) for line in last] == [
        ("DEBUG", "last 0"),
        ("WARNING", "last is done"),
    ]
    assert last[0]["at"].endswith("Z")
    written = server.output[before:]
    assert "last is done" in written
    assert "stranger is done" in written
    assert "followed 0" not in written
    assert "stranger 0" not in written


async def test_a_thread_and_a_cookie_and_secrets(follower: Follower) -> None:
    """Lines of the thread pool are there, the cookie is as good as the header, and secrets are masked."""
    await follower.start(logger="library")
    answer = await follower.visit("/in-thread", token="", Cookie=follower.reply["cookie"])
    assert answer.status_code == 200

    async def is_told() -> bool:
        return bool((await follower.poll())["lines"])

    await eventually(is_told, what="the line")
    (line,) = (await follower.poll())["lines"]
    assert (line["logger"], line["message"]) == ("library.client", "token=***")


async def test_an_exception(follower: Follower) -> None:
    """The message has the traceback."""
    await follower.start(level="ERROR", logger="shop")
    async with follower.stream() as stream:
        assert (await follower.visit("/fails")).status_code == 500
        await stream.wait(lambda stream: bool(stream.lines))
    message = stream.lines[0]["message"]
    assert message.startswith("it failed\nTraceback")
    assert message.endswith("base 10: 'none'")


async def test_an_exception_that_the_server_logs(follower: Follower) -> None:
    """What nobody handles is logged after the request, and told with its id all the same."""
    await follower.start(level="ERROR")
    async with follower.stream() as stream:
        assert (await follower.visit("/breaks", token="")).status_code == 500
        answer = await follower.visit("/breaks", **{"X-Request-ID": "the-broken-one"})
        assert answer.status_code == 500
        await stream.wait(lambda stream: bool(stream.lines))
    (line,) = stream.lines
    assert (line["logger"], line["request_id"]) == ("uvicorn.error", "the-broken-one")
    assert line["message"].endswith("RuntimeError: it broke")


async def test_what_came_since(follower: Follower) -> None:
    """Polling and a stream that goes on after the last event give each line once."""
    await follower.start(logger="shop")
    start = await follower.poll()
    assert start["lines"] == []
    await follower.visit("/work?text=first")
    async with follower.stream() as stream:
        await stream.wait(lambda stream: len(stream.lines) == 2)
    seen = await follower.poll(start["after"])
    assert seen["lines"] == stream.lines
    assert seen["after"] == stream.ids[-1]
    await follower.visit("/work?text=second")
    async with follower.stream(**{"Last-Event-ID": stream.ids[-1]}) as stream:
        await stream.wait(lambda stream: len(stream.lines) == 2)
        assert stream.messages() == ["second 0", "second is done"]
    rest = await follower.poll(seen["after"])
    assert rest["lines"] == stream.lines
    assert (await follower.poll(rest["after"])) == {"lines": [], "after": rest["after"]}


async def test_at_most_200_lines_a_second(follower: Follower) -> None:
    """What is more is counted, from both processes together, and later lines come again."""
    await follower.start(logger="shop")
    async with follower.stream() as stream:
        answers = await asyncio.gather(*(follower.visit("/work?lines=999") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}

        def is_whole(_: object) -> bool:
            left_out = sum(line.get("left_out", 0) for line in stream.lines)
            return bool(left_out + len(stream.messages()) == 4000)

        await stream.wait(is_whole)
        seconds = collections.Counter(id_[:-3] for id_ in (one.partition("-")[0] for one in stream.ids))
        assert max(seconds.values()) <= 200
        assert len(stream.messages()) > 150
        await asyncio.sleep(1)
        await follower.visit("/work?text=later")
        await stream.wait(lambda stream: "later is done" in stream.messages())


@pytest.mark.parametrize("end", ["DELETE", "expiry"])
async def test_the_end(end: str, follower: Follower) -> None:
    """The stream ends, the token is worth nothing any more, and the levels are those of before."""
    before = (await follower.ask("GET", "logging/loggers?q=shop")).json()
    await follower.start(ttl="10m" if end == "DELETE" else 2)
    during = (await follower.ask("GET", "logging/loggers?q=shop")).json()
    assert during == before
    async with follower.stream() as stream:
        await follower.visit("/work")
        if end == "DELETE":
            answer = await follower.ask("DELETE", follower.path)
            assert answer.json()["cluster"]["applied"] == 2
        await stream.wait(lambda stream: stream.end == "ended", seconds=10)
    assert "work is done" in stream.messages() or end == "DELETE"
    await follower.visit_all("/work?text=afterwards", 2)

    async def is_forgotten() -> bool:
        return (await follower.ask("GET", follower.path)).status_code == 404

    await eventually(is_forgotten, what="the end in the other worker")  # each has its own clock
    for method, query in (("GET", "?after="), ("DELETE", "")):
        assert (await follower.ask(method, f"{follower.path}{query}")).status_code == 404


async def test_a_forged_token(follower: Follower) -> None:
    """It changes nothing: no line is told, and the request is answered."""
    await follower.start()
    id_, token = follower.reply["id"], follower.reply["token"]
    for forged in ("x", id_, token[:-1], token.swapcase(), "a" * 8000):
        assert (await follower.visit("/work", token=forged)).status_code == 200
    await follower.visit("/work?text=real")

    async def is_told() -> bool:
        return "real is done" in str((await follower.poll())["lines"])

    await eventually(is_told, what="the line")
    assert "work 0" not in str((await follower.poll())["lines"])


async def test_a_process_that_starts_later(follower: Follower, redis: RedisServer) -> None:
    """It follows from its first request on."""
    await follower.start(logger="shop")
    with serve(C2C__REDIS__URL=redis.url) as late:
        other = Follower(late.url)
        other.reply = follower.reply
        async with follower.stream() as stream:
            pid = (await other.visit("/work?text=late")).json()
            await stream.wait(lambda stream: "late is done" in stream.messages())
        assert {line["instance"].split(":")[1] for line in stream.lines} == {str(pid)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_stream(redis: RedisServer, number: int) -> None:
    """A reader does not hold up the end of the process, and learns why the stream ended."""
    with serve(C2C__REDIS__URL=redis.url) as server:
        follower = Follower(server.url)
        await follower.start()
        async with follower.stream() as stream:
            await follower.visit("/work")
            began = time.monotonic()
            server.signal(number)
            await stream.wait(lambda stream: stream.end == "draining", seconds=10)
            await asyncio.to_thread(server.wait, 15)
            assert time.monotonic() - began < SOON_SECONDS
        assert "work is done" in stream.messages()
        assert "Traceback" not in server.output


async def test_a_drain_ends_the_stream(redis: RedisServer) -> None:
    """Polling goes on, and after the drain a new stream continues where the other one ended."""
    with serve(C2C__REDIS__URL=redis.url) as server:
        follower = Follower(server.url)

        async def is_known() -> bool:
            return is_settled(await follower.ask("GET", "instances"), [server.pid])

        await follower.start(logger="shop")
        async with follower.stream() as stream:
            await follower.visit("/work?text=before")
            await eventually(is_known, what="a current list of one process")
            drained = await follower.ask("POST", "drain", json={"force": True})
            assert drained.json()["cluster"]["complete"]
            await stream.wait(lambda stream: stream.end == "draining", seconds=10)
        assert "before is done" in stream.messages()
        await follower.visit("/work?text=during")

        async def is_told() -> bool:
            return "during is done" in str((await follower.poll())["lines"])

        await eventually(is_told, what="the line")
        assert (await follower.ask("DELETE", "drain")).status_code == 200
        async with follower.stream(**{"Last-Event-ID": stream.ids[-1]}) as stream:
            await stream.wait(lambda stream: "during is done" in stream.messages())
            assert stream.end == ""


async def test_a_reader_who_signs_out(follower: Follower) -> None:
    """The stream ends, whichever process serves it, however many lines there are."""
    await follower.start(logger="shop")
    async with follower.client() as browser:
        assert (await browser.post("/c2c/auth/login", data={"secret": SECRET})).is_success
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
        async with follower.stream(cookies) as stream:
            await follower.visit("/work?text=before")
            await stream.wait(lambda stream: "before is done" in stream.messages())
            assert (await browser.post("/c2c/auth/logout")).is_success
            started = time.monotonic()
            while not stream.end and time.monotonic() - started < 30:
                await follower.visit("/work?text=after")
                await asyncio.sleep(0.2)
            assert stream.end == "access"
            count = len(stream.lines)
            await follower.visit("/work?text=later")
            await asyncio.sleep(0.5)
            assert len(stream.lines) == count


async def test_a_reader_who_hangs_up(redis: RedisServer) -> None:
    """The request of the stream ends."""
    with serve(C2C__REDIS__URL=redis.url) as server:
        follower = Follower(server.url)
        await follower.start()
        pid = (await follower.visit("/work")).json()

        async def in_flight() -> float:
            listed = (await follower.ask("GET", "instances")).json()["instances"]
            (own,) = (entry for entry in listed if entry["pid"] == pid)
            return float(own["figures"]["requests_in_flight"])

        async def is_alone() -> bool:
            return await in_flight() == alone

        alone = await in_flight()
        async with follower.stream():
            assert await in_flight() == alone + 1
        await eventually(is_alone, what="the end of the stream")


async def test_redis_stops() -> None:
    """Requests are served, the stream goes on when Redis is back; what needs Redis says so."""
    with RedisServer() as redis, serve(C2C__REDIS__URL=redis.url) as server:
        follower = Follower(server.url)
        await follower.start(ttl="5m")
        async with follower.stream() as stream:
            await follower.visit("/work?text=before")
            await stream.wait(lambda stream: "before is done" in stream.messages())
            redis.pause()
            assert (await follower.visit("/work?text=between")).status_code == 200
            refused = await follower.ask("POST", "logging/follow", json={})
            assert refused.status_code == 503
            assert (await follower.ask("GET", f"{follower.path}?after=")).status_code == 503
            redis.resume()

            async def comes() -> bool:
                await follower.visit("/work?text=afterwards")
                return "afterwards is done" in stream.messages()

            await eventually(comes, what="lines after the outage")
            assert stream.end == ""


async def test_without_redis() -> None:
    """The process that answers follows its own requests, and the answer says so."""
    with serve() as server:
        follower = Follower(server.url)
        reply = await follower.start(logger="shop")
        assert reply["scope"] == "process"
        async with follower.stream() as stream:
            await follower.visit("/work?lines=500")
            await stream.wait(
                lambda stream: sum(line.get("left_out", 1) for line in stream.lines) == 501, seconds=10
            )
            assert {"left_out": 301} in [
                {name: value for name, value in line.items() if name == "left_out"} for line in stream.lines
            ]
        assert (await follower.poll())["lines"] == stream.lines
        await follower.ask("DELETE", follower.path)
        async with httpx.AsyncClient(base_url=server.url, headers=KEY) as client:
            assert (await client.get(f"/c2c/{follower.path}")).status_code == 404
