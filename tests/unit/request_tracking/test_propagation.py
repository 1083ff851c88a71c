"""What a request takes along: to other services, other processes, and into spans of OpenTelemetry."""

import contextvars

import pytest
from opentelemetry import trace
from opentelemetry.trace.span import TraceState

from c2casgiutils import request_tracking
from c2casgiutils.request_tracking import (
    RequestContext,
    TraceParent,
    create_detached_task,
    current_request_id,
    current_span_id,
    current_trace_id,
    note_request,
    request_of,
    restore,
)
from tests.support.fresh import run_fresh
from tests.support.request_context import current

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
TRACEPARENT = TraceParent(f"00-{TRACE}-{SPAN}-01")
OTHER = TraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")


def span_of(traceparent: TraceParent, **state: str) -> trace.Span:
    """A span as the API of OpenTelemetry gives it to whoever asks for the current one."""
    return trace.NonRecordingSpan(
        trace.SpanContext(
            int(traceparent.trace_id, 16),
            int(traceparent.span_id, 16),
            is_remote=False,
            trace_flags=trace.TraceFlags(int(traceparent[-2:], 16)),
            trace_state=TraceState(list(state.items())),
        )
    )


def test_outside_of_a_request() -> None:
    assert request_tracking.headers() == {}
    assert (current_trace_id(), current_span_id()) == (None, None)


def test_a_request_without_a_trace() -> None:
    with current(RequestContext("mine", scope={"headers": [(b"tracestate", b"a=b")]})):
        assert request_tracking.headers() == {"X-Request-ID": "mine"}
        assert current_trace_id() is None


def test_a_request_with_a_trace() -> None:
    with current(RequestContext("mine", TRACEPARENT)):
        assert request_tracking.headers() == {"X-Request-ID": "mine", "traceparent": TRACEPARENT}
        assert (current_trace_id(), current_span_id()) == (TRACE, SPAN)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param([b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        pytest.param([b"a=1", b"b=2"], "a=1,b=2", id="two headers are one list"),
        pytest.param([b"a=" + b"x" * 510], "a=" + "x" * 510, id="longest"),
        pytest.param([b"a=" + b"x" * 511], None, id="too long"),
        pytest.param([b"a=\r\nb: c"], None, id="line break"),
        pytest.param([b"a=\xff"], None, id="not ASCII"),
        pytest.param([b" "], None, id="blank"),
    ],
)
def test_tracestate(given: list[bytes], sent: str | None) -> None:
    """It goes along with its `traceparent`; what no client could send is left out."""
    scope = {"headers": [(b"tracestate", value) for value in given]}
    with current(RequestContext("mine", TRACEPARENT, scope)):
        assert request_tracking.headers().get("tracestate") == sent
        assert request_tracking.headers()["traceparent"] == TRACEPARENT


def test_a_span_of_opentelemetry_precedes_the_request() -> None:
    scope = {"headers": [(b"tracestate", b"of=the_request")]}
    with current(RequestContext("mine", TRACEPARENT, scope)), trace.use_span(span_of(OTHER, of="the_span")):
        assert request_tracking.headers() == {
            "X-Request-ID": "mine",
            "traceparent": OTHER,
            "tracestate": "of=the_span",
        }
        assert (current_trace_id(), current_span_id()) == (OTHER.trace_id, OTHER.span_id)


def test_a_span_outside_of_a_request() -> None:
    with trace.use_span(span_of(OTHER)):
        assert request_tracking.headers() == {"traceparent": OTHER}


def test_the_api_without_a_provider_counts_for_nothing() -> None:
    """Libraries import it, and make spans that are not valid."""
    with trace.get_tracer("library").start_as_current_span("work"), current(RequestContext("a", TRACEPARENT)):
        assert current_trace_id() == TRACE


def test_opentelemetry_is_not_imported() -> None:
    """Whoever does not use it does not load it, and needs no installation of it."""
    code = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from c2casgiutils import request_tracking\n"
        "assert request_tracking.current_trace_id() is None\n"
        "assert request_tracking.headers() == {}\n"
        "assert 'opentelemetry.trace' not in sys.modules\n"
    )
    done = run_fresh(code)
    assert done.returncode == 0, done.stderr


def test_an_exception_remembers_the_span() -> None:
    error = RuntimeError("boom")
    with current(RequestContext("mine", TRACEPARENT)), trace.use_span(span_of(OTHER)):
        note_request(error)
    noted = request_of(error)
    assert noted is not None
    assert (noted.request_id, noted.traceparent) == ("mine", OTHER)


async def test_a_detached_task() -> None:
    """What outlives a request does not belong to it, but has the rest of its context."""
    of_application = contextvars.ContextVar("of_application", default="")
    of_application.set("kept")

    async def work() -> tuple[str | None, str | None, str]:
        return current_request_id(), current_trace_id(), of_application.get()

    with current(RequestContext("mine", TRACEPARENT)):
        assert await create_detached_task(work(), name="watcher") == (None, None, "kept")
        assert current_request_id() == "mine"


@pytest.mark.parametrize(
    ("request_id", "traceparent", "expected"),
    [
        ("mine", None, RequestContext("mine")),
        ("mine", TRACEPARENT, RequestContext("mine", TRACEPARENT)),
        (None, TRACEPARENT, RequestContext(TRACE, TRACEPARENT)),
        ("a\nforged line", TRACEPARENT, RequestContext(TRACE, TRACEPARENT)),
        ("mine", "00-wrong", RequestContext("mine")),
        ("x" * 129, None, None),
        ("\ud800", None, None),
        ("\x1b[31m", "\x00", None),
        ("", "", None),
        (None, None, None),
    ],
)
def test_what_another_process_sent(
    request_id: str | None, traceparent: str | None, expected: RequestContext | None
) -> None:
    """It is checked as the headers of a request are: anybody may have sent it."""
    assert restore(request_id, traceparent) == expected
