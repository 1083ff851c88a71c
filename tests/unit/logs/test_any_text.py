"""Whatever is logged: one line of JSON, and no secret of an address."""

import json
import logging
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from c2casgiutils import logs

VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
)
SECRET = st.text(
    st.characters(codec="ascii", exclude_characters="&# ", categories=["L", "N", "P", "S"]), min_size=1
)


@settings(deadline=None, derandomize=True)
@given(
    message=st.text(),
    extra=st.dictionaries(st.from_regex(r"x_?[a-z]+", fullmatch=True), VALUES | st.lists(VALUES)),
)
def test_any_record_is_a_line(message: str, extra: dict[str, Any]) -> None:
    record = logging.getLogger("app").makeRecord("app", 20, "f.py", 1, message, (), None, None, extra)
    line = logs.JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert set(extra) <= set(json.loads(line, parse_constant=float.fromhex))
    assert json.loads(line)["msg"] == logs.redact(message)


@settings(deadline=None, derandomize=True)
@given(SECRET)
def test_any_secret_is_replaced(secret: str) -> None:
    assert logs.redact(f"/?a=1&secret={secret}&b=2") == "/?a=1&secret=***&b=2"
    nested = quote(f"/page?token={quote(secret, safe='')}&b=2", safe="")
    assert (
        logs.redact(f"/login?came_from={nested}&c=3") == "/login?came_from=%2Fpage%3Ftoken%3D***%26b%3D2&c=3"
    )
