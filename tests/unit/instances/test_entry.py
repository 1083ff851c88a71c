"""The entry of a process in the roster, however much there is to tell."""

import time

from c2casgiutils.instances._checks import StaticCheck, encode_check
from c2casgiutils.instances._entry import Beat, Codec, Static
from c2casgiutils.instances._figures import Figures
from c2casgiutils.instances._hooks import Hooks
from c2casgiutils.instances._report import Report

CHECKS = 1_000


def test_many_checks() -> None:
    """The process itself and all others read them: nobody loses sight of it."""
    static = [
        StaticCheck(name=f"Url_{number}", tags=["all", "partners"], kept=60) for number in range(CHECKS)
    ]
    hooks = Hooks()
    hooks.register_beat("checks", lambda: " ".join([encode_check("fail", time.time(), 2000, 300)] * CHECKS))
    hooks.register_static("checks", lambda: [check.model_dump() for check in static])
    report = Report("Orders", "1", Figures(), hooks, time.time)
    assert {check.status for check in report.instance().checks.values()} == {"fail"}
    codec, now = Codec("a-secret"), time.time()
    beat = codec.read("id", codec.write("id", report.beat()), Beat, now)
    told = codec.read("static", codec.write("static", report.static(is_final=True)), Static, now)
    assert beat is not None
    assert len(beat.checks.split()) == CHECKS
    assert told is not None
    assert told.checks == static
