"""The page of a service with 50 processes and 40 checks each: size, time to answer, and work of the browser.

The entries of the processes are made up, and in Redis as real ones are: with usual trouble, and in the worst
case, where each check differs between the processes. The process that answers has 400 loggers and a history.
Goals: a view has 15 kB compressed, the styles and the script 6 kB each, `/overview` 50 kB; no task of the
browser takes longer than 50 ms, neither at the first paint nor in a refresh.
"""

import gzip
import json
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from playwright.sync_api import Browser, Page, Route

from benchmarks._in_process import Report
from c2casgiutils import config
from tests.support import crowd
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit, chromium
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

ROUNDS = 9
PAINTS = 5
SETTLE = 1_500
"""Milliseconds for a refresh."""
CHANGES = 200
"""How many changes of levels the time line has."""
CLUSTER_VIEWS = ("", "?sort=memory", "processes", "checks", "process?id={}")
"""Those that show all processes and checks."""
VIEWS = (
    *CLUSTER_VIEWS,
    "levels",
    "requests",
    "diagnostics",
    "database",
    "activity",
    "configuration",
)
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "PYTHONWARNINGS": "",
}


def size_of(content: bytes) -> float:
    """Compressed, in kB."""
    return len(gzip.compress(content)) / 1000


def measure(client: httpx.Client, path: str) -> tuple[float, float, bytes]:
    """Return the median and the longest time of an answer in milliseconds, and the body."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(path).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), max(times), answer.content


def sign_in(visit: Visit) -> Page:
    page = visit.page
    page.goto("/c2c/")
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


class Tasks:
    """Measures the tasks of the browser by the time of the processor, whatever else the machine does.

    Args:
        browser: With one page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.longest = 0.0
        """In milliseconds, of the thread that runs scripts and paints."""

    def __enter__(self) -> Self:
        self._browser.start_tracing(categories=["disabled-by-default-devtools.timeline"])
        return self

    def __exit__(self, *_: object) -> None:
        events = json.loads(self._browser.stop_tracing())["traceEvents"]
        threads = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            event["tdur"] / 1000
            for event in events
            if event["name"] == "RunTask" and "tdur" in event and (event["pid"], event["tid"]) in threads
        ]
        self.longest = max(tasks)


def longest_task(browser: Browser, page: Page, path: str) -> float:
    """Return the longest task of the browser that paints a view, the median of some times."""
    found = []
    for _ in range(PAINTS):
        page.goto("/c2c/database")  # not about:blank: with a new process, the trace waits for seconds
        with Tasks(browser) as tasks:
            page.goto(f"/c2c/{path}", wait_until="networkidle")
        found.append(tasks.longest)
    return statistics.median(found)


def shuffled(route: Route) -> None:
    """Answer with the rows of the table in another order."""
    headers = {name: value for name, value in route.request.headers.items() if name != "if-none-match"}
    answer = route.fetch(headers=headers)
    rows = re.findall(r"<tr id=.*?</tr>", answer.text(), re.DOTALL)
    table = "<tbody>" + "\n".join(random.sample(rows, len(rows))) + "</tbody>"
    body = re.sub("<tbody>.*?</tbody>", lambda _: table, answer.text(), count=1, flags=re.DOTALL)
    route.fulfill(response=answer, body=body)


def longest_refresh(browser: Browser, page: Page, path: str) -> float:
    """Return the longest task of the browser in a refresh with moved rows, the median of some times."""
    found = []
    page.route(f"**/c2c/{path}", shuffled)
    page.goto(f"/c2c/{path}", wait_until="networkidle")
    for _ in range(PAINTS):
        with Tasks(browser) as tasks, page.expect_response(f"**/c2c/{path}"):
            page.keyboard.press("r")
            page.wait_for_timeout(SETTLE)
        found.append(tasks.longest)
    page.unroute_all(behavior="wait")
    return statistics.median(found)


def main() -> None:
    report = Report()
    with tempfile.TemporaryDirectory() as directory, RedisServer() as redis, chromium() as browser:
        config.settings.redis.url = redis.url
        database = f"sqlite:///{directory}/service.db"
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url, "C2C__DB__URL": database}
        with (
            Uvicorn("benchmarks._page_app:app", env=env) as server,
            httpx.Client(base_url=f"{server.url}/c2c/", headers={"X-API-Key": SECRET}, timeout=60) as client,
            Visit(browser, server.url) as visit,
            redis.client() as admin,
        ):
            page = sign_in(visit)
            styles = page.locator("link[rel=stylesheet]").get_attribute("href")
            report.goal("styles, kB", size_of(client.get(str(styles)).content), 6)
            script = page.locator("script[src]").get_attribute("src")
            report.goal("script, kB", size_of(client.get(str(script)).content), 6)
            for number in range(CHANGES):
                change = {"level": "INFO", "ttl": 600, "reason": "INC-42"}
                client.put(f"logging/loggers/shop.module_{number % 10}", json=change).raise_for_status()
            for worst in (False, True):
                print("each check differs" if worst else "usual trouble")
                ids = crowd.join(admin, worst=worst)
                wait_for(lambda: ids[-1] in client.get("overview").text, what="all processes")  # noqa: B023  # now
                time.sleep(1)  # until the roster is read again
                for view in VIEWS:
                    path = view.format(ids[5])
                    median, most, body = measure(client, path)
                    print(
                        f" /{path}: {median:.0f} ms, at most {most:.0f} ms, {len(body) / 1000:.0f} kB as text"
                    )
                    report.goal("HTML, kB", size_of(body), 15)
                    report.goal("longest task, ms", longest_task(browser, page, path), 50)
                for view in ("", "processes", "checks"):
                    print(f" refresh of /{view}")
                    report.goal("longest task, ms", longest_refresh(browser, page, view), 50)
                median, most, body = measure(client, "overview")
                print(f" /overview: {median:.0f} ms, at most {most:.0f} ms")
                report.goal("JSON, kB", size_of(body), 50)
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
