"""The start of a script, run as a process of its own in which each warning is an error."""

import json
from pathlib import Path

import pytest

from tests.support.fresh import run_fresh
from tests.support.processes import RedisServer

ROOT = Path(__file__).parents[3]
SCRIPT = """
import asyncio
import logging
from argparse import ArgumentParser

from c2casgiutils import broadcast, cli

async def answer() -> int:
    return 42

async def main() -> None:
    parser = ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args()
    await cli.init(args)
    ask = await broadcast.decorate(answer, expect_answers=True)
    print([response.payload for response in await ask()])
    logging.getLogger("c2casgiutils.script").info("done")

asyncio.run(main())
"""
WITH_LIFESPAN = SCRIPT.replace("    await cli.init(args)\n", "    async with cli.lifespan(args):\n").replace(
    "    ask = await broadcast.decorate(answer, expect_answers=True)\n    print(",
    "        ask = await broadcast.decorate(answer, expect_answers=True)\n        print(",
)


def run(script: str, cwd: Path, **environment: str) -> tuple[str, str]:
    env = {"PYTHONPATH": str(ROOT), **environment}
    done = run_fresh(script, env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("script", [SCRIPT, WITH_LIFESPAN], ids=["init", "lifespan"])
def test_a_script_without_redis(script: str, tmp_path: Path) -> None:
    """Without a file the packaged configuration is used, silently, and nothing is left at the end."""
    output, errors = run(script, tmp_path)
    assert errors == ""
    assert "[42]" in output
    assert "logging.yaml" not in output
    assert "INFO     c2casgiutils.script done" in output


@pytest.mark.parametrize("script", [SCRIPT, WITH_LIFESPAN], ids=["init", "lifespan"])
def test_a_script_with_redis(script: str, tmp_path: Path, redis_server: RedisServer) -> None:
    env = {
        "C2C__REDIS__URL": redis_server.url,
        "C2C__REDIS__BROADCAST_PREFIX": "mine_",
        "C2C__REDIS__BROADCAST_SECRET": "a secret of the test",
    }
    output, errors = run(script, tmp_path, **env, LOG_TYPE="json")
    assert errors == ""
    lines = output.splitlines()
    assert "[42]" in lines
    records = [json.loads(line) for line in lines if line != "[42]"]
    assert {record["level_name"] for record in records} == {"INFO"}


def test_a_level_set_at_run_time_is_followed(tmp_path: Path, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("c2c_logging_level_c2casgiutils.script", "ERROR")
    output, _ = run(SCRIPT, tmp_path, C2C__REDIS__URL=redis_server.url)
    assert "[42]" in output
    assert "script done" not in output


def test_redis_away_is_no_error(tmp_path: Path) -> None:
    script = SCRIPT.replace("    ask =", "    return\n    ask =")
    _, errors = run(script, tmp_path, C2C__REDIS__URL="redis://127.0.0.1:1")
    assert errors == ""


def test_wrong_settings_are_lines(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT), "C2C__HTTP": "maybe", "C2C__REDIS__DB": "x"}
    done = run_fresh(SCRIPT, env=env, cwd=tmp_path)
    assert done.returncode == 3
    assert {line.partition(":")[0] for line in done.stderr.splitlines()} == {"C2C__HTTP", "C2C__REDIS__DB"}
