"""What following a request does to the log of everybody else: nothing."""

import contextlib
import io
import logging
import logging.handlers
import queue
from collections.abc import Iterator
from typing import Any, Self

import loguru
import pytest

from c2casgiutils import logs
from c2casgiutils.follow._interception import Interception
from c2casgiutils.follow._model import Follow, digest_of
from c2casgiutils.follow._recognition import COOKIE, HEADER, Recognition, leave_out
from c2casgiutils.request_tracking import CURRENT, RequestContext, note_request

TOKEN = b"the-token-of-the-test"
FOLLOW = Follow("0123456789abcdef", digest_of(TOKEN), logging.DEBUG)


class Following:
    """What a process does while somebody follows."""

    def __init__(self, follow: Follow = FOLLOW) -> None:
        self.told: list[str] = []
        self._follow = follow

    def __enter__(self) -> Self:
        self._interception = Interception(Recognition({self._follow.digest: self._follow}), self._tell)
        logs.lower({self._follow.logger: self._follow.level})
        return self

    def __exit__(self, *_: object) -> None:
        logs.lower({})
        self._interception.end()

    def _tell(self, _: Follow, record: logging.LogRecord) -> None:
        self.told.append(f"{record.levelname} {record.name} {record.getMessage()}")


@contextlib.contextmanager
def request(*headers: tuple[bytes, bytes]) -> Iterator[None]:
    """A request with such headers."""
    token = CURRENT.set(RequestContext("the id", None, {"headers": headers}))
    yield
    CURRENT.reset(token)


def followed() -> contextlib.AbstractContextManager[None]:
    return request((HEADER.lower().encode(), TOKEN))


class Sink(logging.StreamHandler[io.StringIO]):
    """A handler that keeps what it writes."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def logger(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of its own, with handlers on its way."""
    logger = logging.getLogger(f"followed.{request.node.name}")
    before = logger.level, logger.propagate, list(logger.handlers)
    yield logger
    logger.level, logger.propagate, logger.handlers = before


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A handler of the root logger, which is at WARNING."""
    sink, level = Sink(), logging.root.level
    logging.root.addHandler(sink)
    logging.root.setLevel(logging.WARNING)
    yield sink
    logging.root.removeHandler(sink)
    logging.root.setLevel(level)


def write(logger: logging.Logger) -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, "line %s", level)


EVERYTHING = ["DEBUG {} line 10", "INFO {} line 20", "WARNING {} line 30"]


def all_of(logger: logging.Logger) -> list[str]:
    return [line.format(logger.name) for line in EVERYTHING]


def test_the_followed_request_only(logger: logging.Logger, sink: Sink) -> None:
    """Its lines of all levels are told, and every handler writes what it would write without."""
    with Following() as following:
        write(logger)
        assert following.told == []
        with followed():
            write(logger)
        write(logger)
    assert following.told == all_of(logger)
    assert sink.lines == ["line 30"] * 3
    write(logger)
    assert sink.lines == ["line 30"] * 4


def _own_level(logger: logging.Logger) -> None:
    logger.setLevel(logging.ERROR)


def _handler_added_later(logger: logging.Logger) -> None:
    logger.addHandler(Sink())


def _not_propagated(logger: logging.Logger) -> None:
    logger.propagate = False
    logger.addHandler(Sink())


def _level_below_the_floor(logger: logging.Logger) -> None:
    logger.setLevel(5)


def _nothing(logger: logging.Logger) -> None:
    pass


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "during"])
@pytest.mark.parametrize(
    "arrange", [_own_level, _handler_added_later, _not_propagated, _level_below_the_floor, _nothing]
)
def test_the_log_is_the_same(arrange: Any, logger: logging.Logger, sink: Sink, *, is_late: bool) -> None:
    """Whatever handlers and levels there are, and whenever they came, the log does not change."""

    def written() -> list[str]:
        own = [line for handler in logger.handlers if isinstance(handler, Sink) for line in handler.lines]
        return sink.lines + own

    if not is_late:
        arrange(logger)
    with Following() as following:
        if is_late:
            arrange(logger)
        write(logger)
        with followed():
            write(logger)
        during = written()
    if arrange is not _own_level or not is_late:  # who sets a level during a follow has it at once
        assert following.told == all_of(logger)
    write(logger)
    write(logger)
    assert sorted(written()) == sorted(during * 2)


def test_records_that_ask_no_level(logger: logging.Logger, sink: Sink) -> None:
    """What is handled whatever the level is, as the audit and records of other processes, stays written."""
    with Following(), followed():
        made = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "made", (), None)
        logger.handle(made)
        logger.handle(
            logging.makeLogRecord({"name": logger.name, "levelno": logging.INFO, "msg": "received"})
        )
        assert made.levelno == logging.INFO
    assert sink.lines == ["made", "received"]


def _by_is_enabled_for(logger: logging.Logger, level: int) -> None:
    if logger.isEnabledFor(level):
        logger.handle(_made(logger, level))


def _by_effective_level(logger: logging.Logger, level: int) -> None:
    if level >= logger.getEffectiveLevel():
        _hand_over(logger, level)


def _hand_over(logger: logging.Logger, level: int) -> None:
    logger.handle(_made(logger, level))


def _made(logger: logging.Logger, level: int) -> logging.LogRecord:
    return logger.makeRecord(logger.name, level, __file__, 1, "line %s", (level,), None)


@pytest.mark.parametrize("log", [_by_is_enabled_for, _by_effective_level])
def test_records_that_others_make(log: Any, logger: logging.Logger, sink: Sink) -> None:
    """Libraries that ask for the level and make the record themselves add nothing to the log either."""
    late = Sink()
    with Following() as following, followed():
        logger.addHandler(late)
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            log(logger, level)
    assert following.told == all_of(logger)
    assert sink.lines == late.lines == ["line 30"]


def test_a_handler_of_loguru(sink: Sink) -> None:
    """Its handlers of the standard library ask no level, and write all that loguru hands to them."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    number = loguru.logger.add(logging.handlers.QueueHandler(records), level=0, format="{message}")
    try:
        with Following() as following, followed():
            loguru.logger.debug("low")
    finally:
        loguru.logger.remove(number)
    assert following.told == [f"DEBUG {__name__} low"]
    assert records.get_nowait().levelno == logging.DEBUG
    assert sink.lines == []


def test_levels_are_restored_exactly() -> None:
    """Each logger has its level again, also those of which the level changed meanwhile."""
    names = ["a", "a.own", "a.inherits", "a.changed", "a.view", "a.reset"]
    loggers = {name: logging.getLogger(f"restored.{name}") for name in names}
    loggers["a.own"].setLevel(logging.ERROR)
    loggers["a.changed"].setLevel(logging.ERROR)
    loggers["a.reset"].setLevel(logging.INFO)
    before = {logger: logger.level for logger in [logging.root, *loggers.values()]}
    with Following():
        assert all(logger.isEnabledFor(logging.DEBUG) for logger in loggers.values())
        assert {logger: logs.own_level(logger) for logger in before} == before
        loggers["a.changed"].setLevel(logging.INFO)
        logs.set_level(loggers["a.view"], logging.ERROR)
        logs.set_level(loggers["a.reset"], logging.DEBUG)
        logs.set_level(loggers["a.reset"], logging.WARNING)
        assert loggers["a.view"].isEnabledFor(logging.DEBUG)
        assert logs.effective_level(loggers["a.view"]) == logging.ERROR
        assert loggers["a.reset"].isEnabledFor(logging.DEBUG)
        created = logging.getLogger("restored.a.created")
        assert created.isEnabledFor(logging.DEBUG)
    after = {
        **before,
        loggers["a.changed"]: logging.INFO,
        loggers["a.view"]: logging.ERROR,
        loggers["a.reset"]: logging.WARNING,
    }
    assert {logger: logger.level for logger in before} == after
    assert {type(logger.level) for logger in before} == {int}
    assert created.level == logging.NOTSET
    for logger in loggers.values():
        logger.setLevel(logging.NOTSET)


def test_a_level_that_is_lower_already_stays() -> None:
    """A follow never raises a level, nor does it when the level of a parent changes meanwhile."""
    parent, child = logging.getLogger("lower"), logging.getLogger("lower.child")
    parent.setLevel(logging.DEBUG)
    with Following(Follow("0123456789abcdef", digest_of(TOKEN), logging.INFO, "lower.child")):
        assert child.isEnabledFor(logging.DEBUG)
        logs.set_level(parent, logging.ERROR)
        assert child.isEnabledFor(logging.INFO)
        assert not child.isEnabledFor(logging.DEBUG)
        assert not parent.isEnabledFor(logging.INFO)
    assert not child.isEnabledFor(logging.INFO)
    parent.setLevel(logging.NOTSET)


def test_one_logger_only(sink: Sink) -> None:
    """With a logger and a level only those lines are told."""
    family, child, other = (logging.getLogger(f"family{name}") for name in ("", ".child", "_of_others"))
    with Following(Follow("0123456789abcdef", digest_of(TOKEN), logging.INFO, "family")) as following:
        assert not other.isEnabledFor(logging.INFO)
        with followed():
            for logger in (family, child, other):
                write(logger)
    assert following.told == [line for logger in (family, child) for line in all_of(logger)[1:]]
    assert sink.lines == ["line 30"] * 3


REQUESTS = {
    "header": ([(b"x-c2c-follow", TOKEN)], True),
    "blanks": ([(b"x-c2c-follow", b" " + TOKEN + b"\t")], True),
    "cookie": ([(b"cookie", b"a=b; " + COOKIE.encode() + b"=" + TOKEN + b"; c=d")], True),
    "second of two": ([(b"x-c2c-follow", b"other"), (b"x-c2c-follow", TOKEN)], True),
    "forged": ([(b"x-c2c-follow", b"the-token-of-the-tesu")], False),
    "empty": ([(b"x-c2c-follow", b"")], False),
    "digest": ([(b"x-c2c-follow", digest_of(TOKEN).encode())], False),
    "id": ([(b"x-c2c-follow", FOLLOW.id.encode())], False),
    "other cookie": ([(b"cookie", b"other=" + TOKEN)], False),
    "other header": ([(b"x-other", TOKEN)], False),
    "no header": ([], False),
    "many": ([(b"x-c2c-follow", b"%d" % number) for number in range(50)] + [(b"x-c2c-follow", TOKEN)], False),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_recognition(case: str) -> None:
    """A request is followed when it carries the token."""
    headers, expected = REQUESTS[case]
    with request(*headers):
        assert bool(Recognition({FOLLOW.digest: FOLLOW}).find()) is expected


def test_recognition_anew_with_other_follows() -> None:
    """A request that is under way is seen by a follow that starts meanwhile, and not by one that ended."""
    with followed():
        assert not Recognition({}).find()
        assert Recognition({FOLLOW.digest: FOLLOW}).find()
        assert not Recognition({}).find()
        leave_out()
        assert not Recognition({FOLLOW.digest: FOLLOW}).find()


def test_what_is_logged_after_the_request(logger: logging.Logger) -> None:
    """The error that ends a request is told with it, by whoever logs it once the request is not current."""
    error = ValueError("the error")
    with followed():
        note_request(error)
    with request():
        note_request(of_stranger := ValueError("of another request"))
    with Following() as following:
        for one in (error, of_stranger, ValueError("of no request")):
            logger.error("%s", one, exc_info=one)
    assert following.told == [f"ERROR {logger.name} the error"]


def test_a_failing_argument_fails_nothing(logger: logging.Logger, sink: Sink) -> None:
    """An object without a text, or one that logs while it is turned into text, harms nobody."""

    class Broken:
        def __str__(self) -> str:
            logger.debug("in text %s", self)
            raise ValueError("no text")

    with Following() as following, followed():
        logger.debug("%s", Broken())
        logger.warning("after")
    assert following.told == [f"WARNING {logger.name} after"]
    assert sink.lines == ["after"]


def test_a_factory_that_others_set_meanwhile(logger: logging.Logger, sink: Sink) -> None:
    """One that calls the factory before it stays in front; the end of the follow takes nothing from it."""
    before = logging.getLogRecordFactory()
    following = Following()
    with following:
        ours = logging.getLogRecordFactory()

        def factory(*arguments: Any, **named: Any) -> logging.LogRecord:
            record = ours(*arguments, **named)
            record.msg = f"outer {record.msg}"
            return record

        logging.setLogRecordFactory(factory)
        with followed():
            write(logger)
    try:
        assert logging.getLogRecordFactory() is factory
        write(logger)
        with Following(), followed():
            write(logger)
        assert sink.lines == ["outer line 30"] * 3
        assert len(following.told) == 3
    finally:
        logging.setLogRecordFactory(before)


def test_nothing_is_left() -> None:
    """While nobody follows, the factory of the standard library makes the records."""
    before = logging.getLogRecordFactory()
    with Following():
        assert logging.getLogRecordFactory() is not before
    assert logging.getLogRecordFactory() is before
