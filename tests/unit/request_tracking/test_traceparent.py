"""Reading `traceparent`, after the examples and rules of W3C Trace Context, section 3.2."""

import pytest

from c2casgiutils.request_tracking import parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{SPAN}-01"


def test_the_ids() -> None:
    parsed = parse_traceparent(VALID)
    assert parsed is not None
    assert (parsed, parsed.trace_id, parsed.span_id) == (VALID, TRACE, SPAN)


@pytest.mark.parametrize(
    ("value", "known"),
    [
        pytest.param(f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00", id="not sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-03", f"00-{TRACE}-{SPAN}-03", id="random flag of level 2"),
        pytest.param(f"01-{TRACE}-{SPAN}-01", VALID, id="next version"),
        pytest.param(f"cc-{TRACE}-{SPAN}-ff", VALID, id="unknown flags of a later version"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", VALID, id="more fields"),
    ],
)
def test_valid(value: str, known: str) -> None:
    assert parse_traceparent(value) == known


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(f"00-{TRACE}-{SPAN}", id="no flags"),
        pytest.param(VALID.upper(), id="upper case"),
        pytest.param(f"00-{TRACE}-{SPAN}-0X", id="flags not hexadecimal"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", id="trace id zero"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="span id zero"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", id="version ff"),
        pytest.param(f"0-{TRACE}-{SPAN}-01", id="short version"),
        pytest.param(f"00-{TRACE[1:]}-{SPAN}-01", id="short trace id"),
        pytest.param(f"00-{TRACE}-{SPAN}0-01", id="long span id"),
        pytest.param(f"{VALID}-more", id="version 00 with more fields"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01.more", id="no dash before more fields"),
        pytest.param(f"{VALID}\n", id="line break"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-a\nb", id="line break in more fields"),
        pytest.param(f"00-{'٣' * 32}-{SPAN}-01", id="digits of another script"),
    ],
)
def test_invalid(value: str) -> None:
    assert parse_traceparent(value) is None
