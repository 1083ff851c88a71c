"""Scripts with `cli.run`, as processes of their own in which each warning is an error."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from c2casgiutils import follow, instances, switches, tools
from tests.support.fake_sentry import FakeSentry
from tests.support.fleet import configure, leave, settings
from tests.support.fresh import run_fresh
from tests.support.net import eventually, free_port, wait_for
from tests.support.processes import Process, RedisServer
from tests.support.starting import start

ROOT = Path(__file__).parents[3]
ENV = {"PYTHONPATH": str(ROOT)}
SCRIPT = """
import asyncio
import logging
import sys
import time
from argparse import ArgumentParser, Namespace

from c2casgiutils import broadcast, cli

async def answer() -> int:
    return 42

async def main(args: Namespace) -> None:
    {main}

parser = ArgumentParser()
parser.add_argument("--days", type=int, default=7)
cli.run(main, parser)
"""
WAITING = SCRIPT.format(
    main="""
    print("started", args.days, flush=True)
    try:
        while True:
            logging.getLogger("script.work").debug("at work")
            await asyncio.sleep(0.05)
    finally:
        print("cleaned up", flush=True)
"""
)


class Script(Process):
    """A script from a file, with warnings as errors."""

    def __init__(self, code: str, folder: Path, *arguments: str, **env: str) -> None:
        file = folder / "import_data.py"
        file.write_text(code)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("C2C__")}
        super().__init__(
            [sys.executable, "-W", "error", str(file), *arguments],
            env={**inherited, **ENV, **env},
            cwd=folder,
        )

    def wait_started(self) -> None:
        wait_for(lambda: "started" in self.output or self.has_ended(), what="the start of the script")
        assert "started" in self.output, self.output

    def has_ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None


@pytest.fixture
def sentry() -> Iterator[FakeSentry]:
    with FakeSentry() as fake:
        yield fake


async def test_a_script_is_a_process_of_the_service(tmp_path: Path, redis_server: RedisServer) -> None:
    """It is in the roster under its name, ready, obeys level changes, and leaves the roster on SIGTERM."""
    configure(redis_server.url)
    await start()
    try:
        await tools.startup()
        with Script(WAITING, tmp_path, "--days", "3", **settings(redis_server.url)) as script:
            script.wait_started()
            assert "started 3" in script.output

            async def is_listed() -> bool:
                found = {entry.pid: (entry.script, entry.state) for entry in await instances.roster()}
                return found.get(script.pid) == ("import_data.py", "ready")

            await eventually(is_listed, what="the entry in the roster")
            assert "at work" not in script.output
            await switches.put("level", "script.work", "DEBUG")
            wait_for(lambda: "at work" in script.output, what="the level of the script")
            value = {"digest": "0" * 64, "level": 10, "logger": ""}
            followed = await switches.put("follow", "0123456789abcdef", value, ttl=60)
            assert followed.report.applied == 2  # although a script serves no requests to follow
            script.signal(signal.SIGTERM)
            assert script.wait() == 143
            assert "cleaned up" in script.output
            assert "Traceback" not in script.output
            assert script.pid not in {entry.pid for entry in await instances.roster()}
    finally:
        await switches.remove("level", "script.work")
        await follow.shutdown()
        await switches.shutdown()
        await leave()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_script_cleanly(number: int, code: int, tmp_path: Path) -> None:
    """The main function is cancelled, and the exit code tells the signal."""
    with Script(WAITING, tmp_path) as script:
        script.wait_started()
        script.signal(number)
        assert script.wait() == code
        assert script.output.splitlines()[-1] == "cleaned up"
        assert "Traceback" not in script.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_a_script_that_does_not_await(number: int, tmp_path: Path) -> None:
    main = """
    print("started", flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.05)
"""
    with Script(SCRIPT.format(main=main), tmp_path) as script:
        script.wait_started()
        script.signal(number)
        with pytest.raises(AssertionError):
            wait_for(script.has_ended, seconds=0.5)
        script.signal(number)
        assert script.wait() == 128 + number


def test_sigterm_while_closing_interrupts_nothing(tmp_path: Path) -> None:
    """Everything is closed, however many signals come in the meantime."""
    main = """
    from pathlib import Path
    from contextlib import AsyncExitStack
    from c2casgiutils import redis_utils
    close = redis_utils.aclose
    async def slow() -> None:
        print("started to close", flush=True)
        while not Path("signals are sent").exists():
            await asyncio.sleep(0.05)
        print("closed", flush=True)
        await close()
    redis_utils.aclose = slow
"""
    with Script(SCRIPT.format(main=main), tmp_path) as script:
        script.wait_started()
        for _ in range(3):
            script.signal(signal.SIGTERM)
            with pytest.raises(AssertionError):
                wait_for(script.has_ended, seconds=0.3)
        (tmp_path / "signals are sent").touch()
        assert script.wait() == 143
        assert script.output.splitlines()[-1] == "closed"


ENDS = {
    "done": ('print("done")', 0, "done"),
    "nested lifespan": ("async with cli.lifespan(args):\n        print(broadcast.is_started())", 0, "True"),
    "init again": ("await cli.init(args)\n    print(broadcast.is_started())", 0, "True"),
    "exit code": ("sys.exit(4)", 4, ""),
    "exception": ('raise ValueError("broken")', 1, ""),
    "cancelled by itself": ("asyncio.current_task().cancel()\n    await asyncio.sleep(1)", 1, ""),
}


@pytest.mark.parametrize("case", ENDS)
def test_ends(case: str, tmp_path: Path) -> None:
    """The exit code is that of the main function; nothing is written that it did not write."""
    main, code, output = ENDS[case]
    done = run_fresh(SCRIPT.format(main=main), env=ENV, cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (code, output), done.stderr
    assert ("Traceback" in done.stderr) == (code == 1)
    assert done.stderr.count("\n") == 0 or code == 1


def test_without_a_parser(tmp_path: Path) -> None:
    """The option of the logging configuration is there, and the only one."""
    code = SCRIPT.format(main="print(args)").replace("run(main, parser)", "run(main)")
    assert run_fresh(code, env=ENV, cwd=tmp_path).stdout == "Namespace(logging_config='logging.yaml')\n"


def test_a_parser_that_has_the_option_keeps_it(tmp_path: Path) -> None:
    code = SCRIPT.format(main="print(args)").replace("cli.run(", "cli.add_arguments(parser, None)\ncli.run(")
    assert run_fresh(code, env=ENV, cwd=tmp_path).stdout == "Namespace(days=7, logging_config=None)\n"


def test_wrong_arguments(tmp_path: Path) -> None:
    """The parser says what is wrong, and nothing is started."""
    with Script(WAITING, tmp_path, "--days", "many") as script:
        assert script.wait() == 2
        assert script.output.splitlines()[-1].endswith("argument --days: invalid int value: 'many'")


WRONG = {
    "settings": ({"C2C__HTTP": "maybe"}, "C2C__HTTP: "),
    "metrics": ({"PROMETHEUS_MULTIPROC_DIR": "/dev/null/x"}, "PROMETHEUS_MULTIPROC_DIR: "),
    "Redis": ({"C2C__REDIS__URL": "redis://localhost", "C2C__REDIS__OPTIONS": "colour=red"}, "C2C__REDIS__"),
    "database": ({"C2C__DB__URL": "nowhere://"}, "C2C__DB__URL: "),
    "Sentry": ({"C2C__SENTRY__DSN": "nowhere"}, "C2C__SENTRY__DSN"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_one_line(case: str, tmp_path: Path) -> None:
    env, start = WRONG[case]
    done = run_fresh(WAITING, env={**ENV, **env}, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(start)
    assert done.stderr.count("\n") == 1


def test_metrics_while_it_runs(tmp_path: Path) -> None:
    """The metrics are served on their port, under the name of the script, and no longer after its end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    with Script(WAITING, tmp_path, C2C__PROMETHEUS__PORT=str(port)) as script:
        script.wait_started()
        assert 'service="import_data.py"' in httpx.get(url, timeout=5).text
        assert script.terminate() == 143
    with pytest.raises(httpx.TransportError):
        httpx.get(url, timeout=5)


def test_sentry_gets_what_ends_a_script(tmp_path: Path, sentry: FakeSentry) -> None:
    """The exception that leaves the main function is one event, sent before the process ends."""
    code = SCRIPT.format(main='raise ValueError("broken")')
    done = run_fresh(code, env={**ENV, "C2C__SENTRY__DSN": sentry.dsn}, cwd=tmp_path)
    assert done.returncode == 1
    (event,) = sentry.events
    assert event["exception"]["values"][-1]["value"] == "broken"


def test_redis_unreachable_is_no_error(tmp_path: Path) -> None:
    main = 'print("started")'
    done = run_fresh(
        SCRIPT.format(main=main), env={**ENV, "C2C__REDIS__URL": "redis://127.0.0.1:1"}, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "started" in done.stdout


def test_a_database(tmp_path: Path) -> None:
    """A script has the databases of the settings, and closes their connections."""
    main = """
    import sqlalchemy
    from c2casgiutils import db
    async with db.get().session_scope(read_write=True) as session:
        print("answer", (await session.execute(sqlalchemy.text("select 42"))).scalar())
"""
    done = run_fresh(SCRIPT.format(main=main), env={**ENV, "C2C__DB__URL": "sqlite://"}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "answer 42" in done.stdout
