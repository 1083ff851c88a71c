"""What the diagnostic views answer while Redis hangs or is gone (D32 of the threats to the debug views)."""

import contextlib
from collections.abc import Iterator

import httpx
import pytest

from tests.support.diagnosed import KEY, Diagnosed
from tests.support.net import SOON_SECONDS, wait_for
from tests.support.processes import RedisServer

OF_ALL = (
    *("debug/stacks", "debug/loop?instance=all", "debug/exchanges", "runtime", "settings", "versions"),
    *("debug/memory?instance=all", "debug/memory_maps?instance=all", "sql_profiler"),
)
"""Views that ask all processes."""
OF_ONE = (
    *("debug/stacks", "debug/loop", "debug/exchanges", "debug/memory", "debug/memory_maps", "runtime"),
    "debug/show_refs.dot?analyze_type=fastapi.applications.FastAPI",
)
"""Views of a process, which may be another one."""
ALONE = {
    "GET debug/memory_diff?path=/": 200,
    "GET debug/show_refs.dot?analyze_type=fastapi.applications.FastAPI": 200,
    "GET debug/time": 200,
    "GET debug/headers": 200,
    "GET debug/sleep?time=0": 204,
    "GET debug/error?status=418": 418,
    "GET debug/profile/unknown": 404,
    "POST debug/profile": 202,
    "POST debug/dump": 200,
}
"""Requests that a process answers by itself, or without the others, and the status."""


@pytest.fixture(scope="module", params=["hangs", "is gone"])
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[Diagnosed, Diagnosed]]:
    """Two processes that know each other, while Redis is away."""
    with RedisServer() as redis, contextlib.ExitStack() as stack:
        asked, other = (
            stack.enter_context(Diagnosed(redis, DEBUG__ENABLED="True").running()) for _ in range(2)
        )
        wait_for(lambda: asked.knows(2), what="both processes")
        redis.pause() if request.param == "hangs" else redis.kill()
        yield asked, other
        if request.param == "hangs":
            redis.resume()


def ask(service: Diagnosed, request: str) -> httpx.Response:
    """Ask a process, which must not wait for Redis for ever, once another diagnosis has ended."""
    method, _, path = request.rpartition(" ")
    json = {"seconds": 0.1} if path == "debug/profile" else None
    url = f"{service.server.url}/c2c/{path}"
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        answers.append(httpx.request(method or "GET", url, headers=KEY, json=json, timeout=SOON_SECONDS))
        return answers[-1].status_code != 409

    wait_for(is_answered, what="the end of another diagnosis")
    return answers[-1]


@pytest.mark.parametrize("view", OF_ALL)
def test_views_of_all_processes(asked: tuple[Diagnosed, Diagnosed], view: str) -> None:
    """h/D32: the process answers for itself, and says that there may be others."""
    answer = ask(asked[0], view)
    assert answer.status_code == 200, answer.text
    cluster = answer.json()["cluster"]
    assert (cluster["answered"], cluster["complete"], cluster["roster"]) == (1, False, "stale")
    assert asked[1].id not in answer.text


@pytest.mark.parametrize("view", OF_ONE)
def test_views_of_another_process(asked: tuple[Diagnosed, Diagnosed], view: str) -> None:
    """h/D32: the error names what is missing, and who answers."""
    answer = ask(asked[0], f"{view}{'&' if '?' in view else '?'}instance={asked[1].id}")
    assert answer.status_code == 503, answer.text
    assert answer.json()["detail"] == f"Redis is unreachable, only this process is visible: {asked[0].id}"


@pytest.mark.parametrize("request_line", ALONE)
def test_views_of_the_process_that_answers(asked: tuple[Diagnosed, Diagnosed], request_line: str) -> None:
    """h/D32: they need no Redis."""
    answer = ask(asked[0], request_line)
    assert answer.status_code == ALONE[request_line], answer.text


def test_no_view_is_left_out(asked: tuple[Diagnosed, Diagnosed]) -> None:
    """Each view below `debug/` is one of those that these tests ask."""
    lines = [*(f"GET {view}" for view in (*OF_ALL, *OF_ONE)), *ALONE]
    known = {line.partition("?")[0].replace("unknown", "{id}") for line in lines}
    found = {
        f"{method.upper()} {path.removeprefix('/')}"
        for path, operations in asked[0].get("openapi.json")["paths"].items()
        for method in operations
        if path.startswith("/debug/")
    }
    assert len(found) > 10
    assert found <= known
