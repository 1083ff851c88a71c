"""The Redis protocol."""

from typing import Any

import pytest

from c2casgiutils.redis_utils._resp import Decoder, ProtocolError, Push, ReplyError, pack

_STREAM = (
    b"+OK\r\n:-3\r\n$3\r\na\r\n\r\n$-1\r\n_\r\n*-1\r\n*0\r\n%0\r\n#t\r\n#f\r\n,1.5\r\n(123456789012345678901\r\n=7\r\ntxt:abc\r\n"
    b"*2\r\n*1\r\n:1\r\n$0\r\n\r\n%1\r\n$1\r\nk\r\n~1\r\n+v\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n"
)
_VALUES: list[Any] = [
    *(b"OK", -3, b"a\r\n"[:3], None, None, None, [], {}, True, False, 1.5, 123456789012345678901, b"abc"),
    *([[1], b""], {b"k": [b"v"]}, [b"message", b"c", b"\r\n"]),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_values_arrive_in_any_chunks(size: int) -> None:
    decoder = Decoder()
    values = []
    for start in range(0, len(_STREAM), size):
        values += list(decoder.feed(_STREAM[start : start + size]))
    assert values == _VALUES
    assert isinstance(values[-1], Push)
    assert not isinstance(values[-3], Push)


@pytest.mark.parametrize("data", [b"-NOPERM no\r\n", b"!9\r\nNOPERM no\r\n"])
def test_errors_are_values(data: bytes) -> None:
    (error,) = Decoder().feed(data)
    assert isinstance(error, ReplyError)
    assert error.code == "NOPERM"


@pytest.mark.parametrize("data", [b"?\r\n", b"\r\n", b":x\r\n", b"$x\r\n", b"*x\r\n", b"HTTP/1.1 400\r\n"])
def test_another_protocol_is_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Decoder().feed(data))


def test_buffer_does_not_grow() -> None:
    decoder = Decoder()
    for _ in range(1000):
        assert list(decoder.feed(b"$5\r\nhello\r\n")) == [b"hello"]
    assert not decoder._buffer


def test_commands_are_packed() -> None:
    assert pack((("SET", "é", b"\x00", 1), ("PING",))) == (
        b"*4\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$1\r\n\x00\r\n$1\r\n1\r\n*1\r\n$4\r\nPING\r\n"
    )
