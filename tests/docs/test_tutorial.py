"""The tutorial, word for word but for the ports."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.net import free_port
from tests.support.processes import binary

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/tutorial.md").read_text()


def test_tutorial(tmp_path: Path, record_property: Callable[[str, str], None]) -> None:
    """Its commands lead to two processes, a level in both, and a process that is named as lost."""
    binary("redis-server", "redis-server")
    redis, http = free_port(), free_port()
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "main.py").write_text(program)
    blocks = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    script = "".join(blocks[1:])  # the first one installs
    script = script.replace("6380", str(redis)).replace("8080", str(http))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("C2C")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {
        **inherited,
        "PATH": path,
        "COLUMNS": "200",
        "C2C_URL": f"http://127.0.0.1:{http}/c2c",
        "C2C__PROMETHEUS__PORT": "0",
    }
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-e", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown + (tmp_path / "server.log").read_text()
    assert "The service is ok." in shown
    assert shown.count("ready") >= 2
    assert "2 of 2 processes have it." in shown
    assert '["one","two"]' in shown
    assert "exit code 10\n" in shown
    assert "lost" in shown
    assert "reading the orders" in (tmp_path / "server.log").read_text()
    commands = len(script.splitlines())
    record_property("summary", f"the tutorial: {commands} commands in {time.monotonic() - started:.0f} s")
    for _ in blocks[1:]:
        record_property("documentation", "shell blocks run")
