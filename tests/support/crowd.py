"""A roster of many made-up processes, written into Redis in the format of real ones."""

import datetime
import random
import time
from collections.abc import Iterator
from typing import Any

import redis

from c2casgiutils.instances import encode_check
from c2casgiutils.instances._entry import MAX_SAMPLES
from c2casgiutils.instances._roster import Roster

PROCESSES, CHECKS = 50, 40
_DAY = 86_400
_HOST = "web-7f9c-"
_MIB = 2**20


def join(
    client: "redis.Redis", *, processes: int = PROCESSES, checks: int = CHECKS, worst: bool = False
) -> list[str]:
    """Write the entries with the settings of this process; they stay on time for a day.

    The first process is late, the second lost, the third uses much memory, and of the checks one is down in
    one process and one degraded in all.

    Args:
        client: Connected to the Redis of the service.
        processes: How many.
        checks: How many each has.
        worst: Every check differs between the processes.

    Returns:
        The ids.
    """
    chance = random.Random(0)  # noqa: S311  # always the same
    roster = Roster("crowd")
    now = time.time()
    ids = []
    for number in range(processes):
        hostname = f"{_HOST}{number // 4:05x}"
        id_ = f"{hostname}:{7 + number % 4}:{number:08x}"
        ids.append(id_)
        age = {0: 2 * _DAY, 1: 3 * _DAY + 40}.get(number, 1)
        static = {
            "hostname": hostname,
            "pid": 7 + number % 4,
            "application": "The service",
            "version": "2.4.1",
            "git_hash": "ab12cd34ef56",
            "python": "3.13.1",
            "packages": {"c2casgiutils": "1.0.0", "fastapi": "0.120.1"},
            "started": datetime.datetime.fromtimestamp(now - 3 * _DAY - number, tz=datetime.UTC).isoformat(),
            "channels": [],
            "checks": [{"name": f"check-{check:02}", "tags": ["all"]} for check in range(checks)],
        }
        states = ["pfw"[chance.randrange(3)] if worst else _status(number, check) for check in range(checks)]
        memory = (1_900 if number == 2 else 80) * _MIB
        ring = [
            (now - age - 5 * (MAX_SAMPLES - turn), *values)
            for turn, values in enumerate(_figures(chance, memory))
        ]
        beat = {
            "beat": now - age,
            "every": _DAY,
            "state": "ready",
            "uptime": 3 * _DAY + number,
            "figures": dict(zip(_NAMES, ring[-1][1:], strict=True)),
            "checks": " ".join(
                encode_check(_WORDS[state], now - 600 - check, chance.randrange(1, 900), 3)
                for check, state in enumerate(states)
            ),
            "reasons": {
                f"check-{check:02}": "no result within 2 s"
                for check, state in enumerate(states)
                if state != "p"
            },
        }
        _, key, *pairs = roster.entry_command(id_, beat, static, None)
        client.hset(str(key), items=pairs)
        client.hset(roster.samples_key, id_, roster.codec.write(id_, {"ring": ring}))
    return ids


def leave(client: "redis.Redis", *, but: str = "") -> None:
    """Remove all entries that `join` wrote, except that of one process."""
    key = Roster("crowd").key
    fields: Any = client.hkeys(key)
    for field in fields:
        if field.startswith(_HOST) and not (but and field.startswith(but)):
            client.hdel(key, field)


_WORDS = {"p": "pass", "w": "warn", "f": "fail"}
_NAMES = ("rss_bytes", "cpu_seconds", "loop_lag_seconds", "requests_in_flight")


def _status(process: int, check: int) -> str:
    if check == 1:
        return "w"
    return "f" if (process, check) == (5, 0) else "p"


def _figures(chance: random.Random, memory: float) -> Iterator[tuple[float, float, float, float]]:
    used = 1_000.0
    for _ in range(MAX_SAMPLES):
        used += chance.uniform(0, 1)
        memory += chance.choice((0, 0, 0, 4096, 65_536))
        yield memory, round(used, 3), round(chance.expovariate(500), 4), float(chance.randrange(5))
