"""The view of one process, and its drain."""

import re
from collections.abc import Iterator

import httpx
import pytest

from c2casgiutils import config, instances
from c2casgiutils.health_checks import FACTORY, JsonCheckError
from tests.unit.health_checks.checks import Raising
from tests.unit.tools.conftest import SECRET
from tests.unit.tools.test_levels_view import text_of


@pytest.fixture(autouse=True)
def _checks() -> Iterator[None]:
    yield
    FACTORY.clear()


def address() -> str:
    return f"process?id={instances.own_id()}"


async def test_everything_is_shown(client: httpx.AsyncClient) -> None:
    FACTORY.add(Raising(JsonCheckError("<i>pool exhausted")), name="pool", severity="degrading")
    await FACTORY.check()
    instances.register_figure("orders_waiting", lambda: 42)
    try:
        page = (await client.get(address())).text
    finally:
        instances.unregister_figure("orders_waiting")
    own = instances.own()
    shown = (own.id, own.python, own.packages["fastapi"], "orders_waiting", "42", "the process that answered")
    for text in (*shown, "down, degrading", "&lt;i&gt;pool exhausted", 'id="check-pool"'):
        assert text in page
    assert "state-warn" in page
    assert "state-fail" not in page
    # the lines above tell it, with a unit
    assert ("MiB" in page, "rss_bytes" in page) == (True, False)


@pytest.mark.parametrize("id_", ["web:1:gone", "<script>", "x" * 10_240, ""])
async def test_an_id_that_nobody_has(client: httpx.AsyncClient, id_: str) -> None:
    """The page says so, with a status that says it too, and lists those that are there."""
    answer = await client.get("process", params={"id": id_})
    assert answer.status_code == 404
    assert "left, or its id is wrong" in answer.text or not id_
    assert f'id="p-{instances.own_id()}"' in answer.text
    assert "<script>" not in answer.text


async def test_an_id_that_cannot_be_seen(client: httpx.AsyncClient) -> None:
    """Without Redis it is not known whether the process left."""
    config.settings.redis.url = "redis://127.0.0.1:1"
    answer = await client.get("process", params={"id": "web:1:aa"})
    assert answer.status_code == 503
    assert "Redis is unreachable" in answer.text
    assert "This process cannot be seen" in answer.text
    assert "left, or" not in answer.text
    assert "No process has" not in answer.text


async def test_the_last_ready_process_is_drained_on_request_only(client: httpx.AsyncClient) -> None:
    """The refusal says why and offers a box to confirm; then it is drained, and undrained again."""
    instances.set_state("ready")
    refused = await client.post(address(), data={"drain": "begin", "seconds": "600"})
    assert refused.status_code == 409
    assert "No other process would be ready" in refused.text
    assert 'name="force"' in refused.text
    assert '<option value="600" selected>' in refused.text
    assert instances.state() == "ready"

    fields = {"drain": "begin", "seconds": "600", "force": "1", "reason": "INC-42"}
    drained = await client.post(address(), data=fields)
    assert drained.status_code == 303
    assert instances.state() == "draining"
    page = (await client.get(str(drained.url.join(drained.headers["Location"])))).text
    assert "is draining: its readiness probe fails." in page
    assert "Undrain</button>" in page
    told = r"for \d+ s already, by [^,]*, until \d\d:\d\d:\d\d UTC \( [^)]* left\): INC-42"
    assert re.search(told, text_of(page))
    overview = text_of((await client.get("")).text)
    assert re.search(r"is draining by [^,]*, until \d\d:\d\d:\d\d UTC: INC-42 for", overview)
    assert "1 of 1 draining · The service" in overview

    undrained = await client.post(address(), data={"drain": "end"})
    assert undrained.status_code == 303
    page = (await client.get(str(undrained.url.join(undrained.headers["Location"])))).text
    assert "is ready." in page
    assert instances.state() == "ready"


async def test_the_address_is_not_believed(client: httpx.AsyncClient) -> None:
    """A link cannot make the page say that a process is draining."""
    page = (await client.get(f"{address()}&result=changed")).text
    assert "is draining" not in page


@pytest.mark.parametrize("seconds", ["many", "-1", "nan", "1e9"])
async def test_durations_that_are_refused(client: httpx.AsyncClient, seconds: str) -> None:
    answer = await client.post(address(), data={"drain": "begin", "seconds": seconds, "force": "1"})
    assert answer.status_code == 422
    assert "Not changed." in answer.text
    assert instances.state() != "draining"


async def test_drain_of_a_process_that_left(client: httpx.AsyncClient) -> None:
    answer = await client.post("process?id=web:1:gone", data={"drain": "begin"})
    assert answer.status_code == 404
    assert "Not changed." in answer.text


async def test_forms_of_other_sites_and_of_strangers(anonymous: httpx.AsyncClient) -> None:
    """The session cookie alone is no proof, and without it nothing is changed."""
    data = {"drain": "begin", "force": "1"}
    assert (await anonymous.post(address(), data=data)).status_code == 403
    signed_in = await anonymous.post("auth/login", data={"secret": SECRET})
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await anonymous.post(address(), data=data, headers=headers)).status_code == 403
    assert instances.state() != "draining"


async def test_what_a_level_may_look_into(callers: dict[str, httpx.AsyncClient]) -> None:
    """Readers are led to the event loop, which they may see, and to nothing else."""
    for level, kinds in (("pull", ["loop"]), ("admin", ["loop", "stacks", "memory", "profile"])):
        page = await callers[level].get(address())
        assert re.findall(r'href="diagnostics\?what=(\w+)&amp;id=', page.text) == kinds
        assert ("requests?instance=" in page.text) is (level == "admin")


async def test_readers_and_writers_cannot_drain(callers: dict[str, httpx.AsyncClient]) -> None:
    instances.set_state("ready")
    for name, may in (("push", False), ("admin", True)):
        page = await callers[name].get(address())
        assert ('name="drain"' in page.text) is may
        answer = await callers[name].post(address(), data={"drain": "begin", "force": "1"})
        assert answer.status_code == (303 if may else 403)
        assert (instances.state() == "draining") is may


@pytest.mark.parametrize("fields", [{}, {"drain": "start"}, {"seconds": "60"}])
async def test_a_form_without_an_action(client: httpx.AsyncClient, fields: dict[str, str]) -> None:
    """It drains nobody, and the page says which actions there are."""
    page = await client.post(address(), data=fields)
    assert page.status_code == 422
    assert "The action must be begin or end." in page.text
    assert instances.state() == "ready"
