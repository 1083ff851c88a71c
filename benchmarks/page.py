"""The page of a service with 50 processes and 40 checks each: size, time to answer, and work of the browser.

The entries of the processes are made up, and in Redis as real ones are: with usual trouble, and in the worst
case, where each check differs between the processes. Goals, on an otherwise idle machine: a view has 15 kB
compressed, the styles 6 kB, `/overview` 50 kB; no task of the browser takes longer than 50 ms.
"""

import gzip
import random
import re
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
from playwright.sync_api import Page, Route

from benchmarks._in_process import Report
from c2casgiutils import config
from tests.support import crowd
from tests.support.auth import KEY, SECRET
from tests.support.browser import Visit, chromium
from tests.support.net import wait_for
from tests.support.processes import RedisServer, Uvicorn

ROUNDS = 9
VIEWS = ("", "?sort=memory", "processes", "checks", "process?id={}")
ENVIRONMENT = {
    "C2C__AUTH__SECRET": SECRET,
    "C2C__AUTH__JWT__SECRET": KEY,
    "C2C__HTTP": "True",
    "C2C__PROMETHEUS__PORT": "0",
    "PYTHONWARNINGS": "",
}
_OBSERVER = """
globalThis.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, entry.duration);
}).observe({type: "longtask", buffered: true});
"""


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
    page.add_init_script(_OBSERVER)
    return page


def longest_task(page: Page, path: str) -> float:
    """Return the longest task of the browser that paints a view, the least of three times; 0 below 50 ms."""
    found = []
    for _ in range(3):
        page.goto(f"/c2c/{path}", wait_until="networkidle")
        found.append(float(page.evaluate("globalThis.longest")))
    return min(found)


def shuffled(route: Route) -> None:
    """Answer with the rows of the table in another order."""
    headers = {name: value for name, value in route.request.headers.items() if name != "if-none-match"}
    answer = route.fetch(headers=headers)
    rows = re.findall(r'<tr id="p-.*?</tr>', answer.text(), re.DOTALL)
    table = "<tbody>" + "\n".join(random.sample(rows, len(rows))) + "</tbody>"
    body = re.sub("<tbody>.*?</tbody>", lambda _: table, answer.text(), count=1, flags=re.DOTALL)
    route.fulfill(response=answer, body=body)


def longest_refresh(page: Page) -> float:
    """Return the longest task of the browser in five refreshes with moved rows, the least of three times."""
    found = []
    page.route("**/c2c/processes", shuffled)
    for _ in range(3):
        page.goto("/c2c/processes", wait_until="networkidle")
        page.evaluate("globalThis.longest = 0")
        for _ in range(5):
            with page.expect_response("**/c2c/processes"):
                page.keyboard.press("r")
            page.wait_for_timeout(300)
        found.append(float(page.evaluate("globalThis.longest")))
    page.unroute_all()
    return min(found)


def main() -> None:
    report = Report()
    with RedisServer() as redis, chromium() as browser:
        config.settings.redis.url = redis.url
        env = {**ENVIRONMENT, "C2C__REDIS__URL": redis.url}
        with (
            Uvicorn("tests.support.views_app:app", env=env) as server,
            httpx.Client(base_url=f"{server.url}/c2c/", headers={"X-API-Key": SECRET}, timeout=60) as client,
            Visit(browser, server.url) as visit,
            redis.client() as admin,
        ):
            page = sign_in(visit)
            styles = page.locator("link[rel=stylesheet]").get_attribute("href")
            report.goal("styles, kB", size_of(client.get(str(styles)).content), 6)
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
                    report.goal("longest task, ms", longest_task(page, path), 50)
                report.goal("longest task of a refresh, ms", longest_refresh(page), 50)
                median, most, body = measure(client, "overview")
                print(f" /overview: {median:.0f} ms, at most {most:.0f} ms")
                report.goal("JSON, kB", size_of(body), 50)
    sys.exit(report.failed)


if __name__ == "__main__":
    main()
