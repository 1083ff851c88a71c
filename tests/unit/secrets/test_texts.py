"""What the vocabulary of secrets finds, and what it leaves alone."""

import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2casgiutils._secrets import MASK, is_secret_name, scrub, scrub_mapping
from tests.support.secret_texts import HARMLESS, HIDDEN, SECRET, TOKENS


@pytest.mark.parametrize("name", HIDDEN)
def test_secret_is_hidden_once_and_for_all(name: str) -> None:
    text, secret = HIDDEN[name]
    scrubbed = scrub(text)
    assert secret not in scrubbed
    assert MASK in scrubbed
    assert scrub(scrubbed) == scrubbed


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_kept(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"/?a=1&secret={SECRET}&b=2", "/?a=1&secret=***&b=2"),
        (f"/l?u=%2Fp%3Fsecret%3D{SECRET}%26a%3D1", "/l?u=%2Fp%3Fsecret%3D***%26a%3D1"),
        (f"https://me:{SECRET}@host/p?x", "https://***@host/p?x"),
        (f'{{"token": "{SECRET}", "b": 1}}', '{"token": "***", "b": 1}'),
        (f"connect(password={SECRET})", "connect(password=***)"),
        (f"X-API-Key: {SECRET} refused", "X-API-Key: *** refused"),
        (f"host=db password='{SECRET}' port=5", "host=db password='***' port=5"),
        (TOKENS["GitHub"], "ghp_***"),
    ],
)
def test_only_the_secret_is_hidden(text: str, expected: str) -> None:
    assert scrub(text) == expected


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
@pytest.mark.parametrize("nested", [0, 1, 2])
@pytest.mark.parametrize(
    "text",
    [
        f"?password={SECRET}",
        "?password=",
        f"/x?a=1&token={SECRET}",
        f"it was ?password={SECRET} there",
        f"password={SECRET}",
        f"token='{SECRET}'",
        f"X-API-Key: {SECRET}",
        f"Cookie: a={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"--password {SECRET}",
        f"password -> {SECRET}",
        f"curl -u me:{SECRET}",
        f"redis://:{SECRET}@h",
    ],
)
def test_json_stays_json(text: str, nested: int, separators: tuple[str, str]) -> None:
    """The mask ends at the quote that ends the string, an escaped one too."""
    written: object = {"reason": text, "expires": 1.5, "list": [text, text], text: 2}
    for _ in range(nested + 1):
        written = json.dumps(written, separators=separators)
    scrubbed: Any = scrub(str(written))
    assert SECRET not in scrubbed
    assert scrub(scrubbed) == scrubbed
    for _ in range(nested + 1):
        scrubbed = json.loads(scrubbed)
    masked = scrub(text)
    assert scrubbed == {"reason": masked, "expires": 1.5, "list": [masked, masked], masked: 2}


def test_private_key_of_several_lines_is_hidden() -> None:
    """Also where the text ends before the key does."""
    begin = "-----BEGIN EC PRIVATE KEY-----"
    assert SECRET not in scrub(f"key: {begin}\nMHc-\n{SECRET}\n-----END EC PRIVATE KEY-----\nnext")
    assert scrub(f"{begin}\nMHc\n-----END EC PRIVATE KEY-----\nnext").endswith("\nnext")
    assert SECRET not in scrub(f"{begin}\nMHc\n{SECRET}")


@pytest.mark.parametrize("header", ["", "\r\nContent-Type: text/plain"])
@pytest.mark.parametrize("line_break", ["\r\n", "\n"])
def test_part_of_a_form_is_hidden(header: str, line_break: str) -> None:
    part = f'form-data; name="{{}}"{header}\r\n\r\n{{}}\r\n--b'.replace("\r\n", line_break)
    assert scrub(part.format("password", SECRET)) == part.format("password", MASK)
    assert scrub(part.format("mail", "me@host.test")) == part.format("mail", "me@host.test")


@pytest.mark.parametrize("value", ["tr0ub4dor", "tr0ub/4dor&x"])
def test_given_values_are_hidden_in_each_form(value: str) -> None:
    shown = scrub(f"it was {value} or {quote(value, safe='')}", [value, "ab", ""])
    assert shown == "it was *** or ***"


def test_short_values_are_left_in_words() -> None:
    assert scrub("able", ["ab"]) == "able"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": SECRET, "n": 1}, {"password": MASK, "n": 1}),
        ({"a": [{"api-key": SECRET}]}, {"a": [{"api-key": MASK}]}),
        (["x", f"redis://:{SECRET}@c"], ["x", f"redis://{MASK}@c"]),
        ({"tokens": 3, "token": "", "token_count": 5}, {"tokens": 3, "token": "", "token_count": 5}),
        ({"secret": None, "password": False}, {"secret": None, "password": False}),
        ({"pin": 5, "password": 1234}, {"pin": 5, "password": MASK}),
        ({"secret": {"name": SECRET}}, {"secret": MASK}),
        ({f"redis://:{SECRET}@c": 1}, {f"redis://{MASK}@c": 1}),
        ({"query_string": f"code={SECRET}"}, {"query_string": f"code={MASK}"}),
        ([["authorization", SECRET], (b"cookie", b"x")], [["authorization", MASK], [b"cookie", MASK]]),
        (["psql", "--password", SECRET, "-q"], ["psql", "--password", MASK, "-q"]),
    ],
)
def test_structures(value: Any, expected: Any) -> None:
    assert scrub_mapping(value) == expected


def test_what_a_client_sent_is_hidden_by_more_names() -> None:
    value = {"key": SECRET, "code": SECRET, "theme": "dark"}
    assert scrub_mapping(value) == value
    assert scrub_mapping(value, sent=True) == {"key": MASK, "code": MASK, "theme": "dark"}


def test_structure_that_contains_itself_ends() -> None:
    loop: list[Any] = [f"secret={SECRET}"]
    loop.extend([loop] * 10)
    assert scrub_mapping(loop) == ["secret=***", *[MASK] * 10]


@pytest.mark.parametrize(
    "name", ["password", "X-API-Key", "apiKey", "APIKEY", "sessionId", "PHPSESSID", "b'cookie'"]
)
def test_spellings_of_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["tokenizer", "secretary", "monkey", "compass", "TokenError", "key", "state", ""]
)
def test_names_of_nothing(name: str) -> None:
    assert not is_secret_name(name)


@settings(deadline=None, derandomize=True)
@given(st.text(), st.text())
def test_secret_in_any_text_is_hidden(before: str, after: str) -> None:
    assert SECRET not in scrub(f"{before} password={SECRET} {after}")


def test_encoded_text_with_half_a_character_is_scrubbed() -> None:
    """What cannot be encoded again must not cost the log line."""
    assert scrub(f"\ud800%3Fsecret%3D{SECRET}") == "%3F%3Fsecret%3D***"
    assert scrub("\ud800%3Fname%3Dvalue") == "\ud800%3Fname%3Dvalue"


PIECES = [
    *(
        "a",
        "a-",
        "?a",
        "%25",
        "?secret%3D%2",
        "a://",
        "?%a",
        "code=",
        "'",
        '"',
        "secret",
        "secret=",
        "secret: ",
    ),
    *(
        "bearer ",
        "basic ",
        "basic a",
        "eyJaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "://a:b/",
        "a:b@",
        "://@",
    ),
    *("'secret': '", "'secret', ", "secret=[", "secret={(", "\\", '\\"', "\\n", "%3F", "%3Fsecret%3D"),
    *(
        "secret%2525252525",
        "\\'secret\\': \\'",
        "ghp_",
        f"ghp_{'a' * 20}",
        "?secret='\"",
        "a\t\t",
        "a =",
        "@",
    ),
    *(
        "a[b]",
        "a[",
        "secret[a]=",
        "--token ",
        '--token "',
        "-u a:",
        "<token>",
        "<a ",
        "<token>a</",
        "&lt;",
        " ->",
    ),
    *('name="a"\n', 'name="secret"\n\n\\', 'name="', "\\n\\n", "user a:"),
    *("secret=\\\\'", "hooks.slack.com/a/", "AKIA", "code==", "passwords: 1", "%3A%2F%2F", "?secret=\"'"),
]


@pytest.mark.no_cover
@pytest.mark.parametrize("piece", PIECES)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    """A hundred thousand characters; a run of quadratic time would take minutes."""
    start = time.monotonic()
    for end in ("", "@", "'", "="):
        scrub(piece * (100_000 // len(piece)) + end)
    assert time.monotonic() - start < 60
