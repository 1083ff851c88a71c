"""The variables of older releases under their new names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c2casgiutils import config
from c2casgiutils.scripts import migrate_env
from c2casgiutils.scripts._env_files import Value, parse_env, write_env
from c2casgiutils.scripts._environments import read
from c2casgiutils.scripts._migration import is_setting
from c2casgiutils.scripts._older_variables import OLDER_VARIABLES, find

FOLDER = Path(__file__).parent / "environments"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
OF_HOST = {
    "C2C_SECRET": "a-secret-of-the-host",
    "C2C_REDIS_URL": "redis://redis:6379",
    "REDIS_PASSWORD": "password",
}


def expected_of(name: str) -> Path:
    return FOLDER / "expected" / name


def run(
    arguments: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0
) -> tuple[list[str], list[str]]:
    """Return the lines on standard output and on standard error."""
    if code:
        with pytest.raises(SystemExit) as ended:
            migrate_env.main(arguments)
        assert ended.value.code == code
    else:
        migrate_env.main(arguments)
    out, err = capsys.readouterr()
    return out.splitlines(), err.splitlines()


def env_file(folder: Path, text: str, name: str = "test.env") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", FILES)
def test_files(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report and the env files of a file are the expected ones."""
    monkeypatch.chdir(FOLDER)
    out, err = run([name, "--keep-unknown", "--output", str(tmp_path / "new")], capsys)
    assert (out, err) == ((expected_of(name) / "report.txt").read_text().splitlines(), [])
    expected = {path.name: path.read_text() for path in expected_of(name).glob("*.env")}
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == expected
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o600}


@pytest.mark.parametrize("name", FILES)
def test_shells_read_the_files_alike(name: str) -> None:
    """A shell that reads a converted env file has the values of the old one, and `docker compose` too."""
    old = {variable: value for each in read(FOLDER / name) for variable, value in each.values.items()}
    for path in expected_of(name).glob("*.env"):
        command = ["bash", "-c", f"set -a; . '{path}'; env -0"]
        done = subprocess.run(command, env=OF_HOST, capture_output=True, text=True, check=True, timeout=60)
        shell = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
        for variable, value in parse_env(path.read_text()).items():
            assert value.is_reference or shell[variable] == value.text
            if variable in old and find(variable) is None and not is_setting(variable):
                assert value == old[variable]


@pytest.mark.parametrize("name", FILES)
def test_settings_start(name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The settings accept each converted environment, and know each variable of ours in it."""
    for path in expected_of(name).glob("*.env"):
        with monkeypatch.context() as patch:
            for variable, value in parse_env(path.read_text()).items():
                text = re.sub(r"\$\{(\w+)(?::-(\w*))?\}", lambda m: OF_HOST.get(m[1]) or m[2], value.text)
                patch.setenv(variable, text)
            config.Settings().check()
            config.Logging()
    assert "is not a known setting" not in caplog.text


def test_no_value_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that was the value of a secret is in a report."""
    for name in FILES:
        migrate_env.main([str(FOLDER / name), "--keep-unknown"])
    out, _ = capsys.readouterr()
    for secret in (
        "pa$$word",
        "a-secret-of-operators",
        "Kq7vZt2m",
        "fedcba98",
        "p%40ss",
        "key@",
        "password@",
    ):
        assert secret not in out


PROBLEMS = {
    "a wrong duration": ("C2C_REQUESTS_DEFAULT_TIMEOUT=soon", "must be a number of seconds"),
    "an infinite duration": ("C2CWSGIUTILS_STATS_DB_SLEEP=inf", "must be a number of seconds"),
    "a wrong duration of 0.x": ("C2C__HEALTH__TIMEOUT=1.5h", "Invalid time delta"),
    "a wrong number": ("SQLALCHEMY_POOL_SIZE=many", "as C2C__DB__POOL_SIZE: must be a whole number"),
    "a driver without an async form": (
        "SQLALCHEMY_URL=mysql://user:secret-word@db/app",
        "as C2C__DB__URL: must be a URL that starts with",
    ),
    "a short key": (
        "C2C_AUTH_GITHUB_SECRET=secret-word",
        "as C2C__AUTH__JWT__SECRET: has fewer than 16 characters",
    ),
    "an unknown permission": ("C2C_AUTH_GITHUB_ACCESS_TYPE=write", "ACCESS_TYPE_READ_ONLY: "),
    "a wrong boolean": ("C2C__SENTRY__INTEGRATIONS__REDIS=perhaps", "must be a boolean"),
    "a wrong level": ("LOG_LEVEL=loud", "Input should be"),
    "a wrong proxy": (
        "C2C__PROXY_HEADERS__TRUSTED_HOSTS=10.0.0.1-10.0.0.9",
        "C2C__PROXY_HEADERS__TRUSTED_HOSTS: ",
    ),
    "options of Redis": ("C2C_REDIS_OPTIONS=secret-word", "as C2C__REDIS__OPTIONS: "),
    "an option that is a reference": (
        "SENTRY_CLIENT_SHUTDOWN_TIMEOUT=${SECONDS}",
        "refers to another variable; write C2C__SENTRY__OPTIONS by hand",
    ),
    "a misspelt name": ("C2C_REDIS_ULR=redis://redis", "is not known, did you mean C2C_REDIS_URL?"),
    "a misspelt setting": ("C2C__REDIS__ULR=redis://redis", "is not known, did you mean C2C__REDIS__URL?"),
    "a misspelt name of Sentry": ("SENTRY_EXCLUDE=a", "is not known, did you mean SENTRY_EXCLUDES?"),
    "a name that is like none": ("C2C_XYZ=secret-word", "C2C_XYZ: is not known"),
    "two values": (
        "SENTRY_TRACES_SAMPLE_RATE=0.1\nSENTRY_CLIENT_TRACES_SAMPLE_RATE=0.2",
        "SENTRY_CLIENT_TRACES_SAMPLE_RATE: and SENTRY_TRACES_SAMPLE_RATE would both be",
    ),
    "a line": ("A=1\nC2C_SECRET secret-word", "line 2 is not NAME=value"),
    "a line after a value": ("A='1'2", "line 1 is not NAME=value"),
    "an open quote": ("\nC2C_SECRET='secret-word\n", "line 2 has a quote without its end"),
    "a NUL": ("C2C_SECRET=secret-word\0", "has a NUL character"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be converted is one line without the value; nothing is written, and the code is 1."""
    text, expected = PROBLEMS[case]
    file = env_file(tmp_path, text)
    out, err = run([file, "--output", str(tmp_path / "new")], capsys, code=1)
    assert out == []
    assert len(err) == 1
    assert err[0].startswith(f"c2casgiutils-migrate-env: {file}: ")
    assert expected in err[0]
    assert "secret-word" not in err[0]
    assert not (tmp_path / "new").exists()


def bomb(first: str, each: str, last: str, levels: int) -> str:
    """Lines that each refer to the one before several times."""
    lines = [f"a{level + 1}: &a{level + 1} {each.replace('*', f'*a{level}')}" for level in range(levels)]
    return "\n".join([f"a0: &a0 {first}", *lines, f"services: {last.replace('*', f'*a{levels}')}"])


COMPOSE_PROBLEMS = {
    "broken": ("services: [", "is not YAML: line 1: "),
    "an unknown tag": ("services: !secret word", "is not YAML: line 1: could not determine a constructor"),
    "a password like an alias": (
        "services: {web: {environment: {C2C_SECRET: *hunter2}}}",
        "is not YAML: line 1: found undefined alias …",
    ),
    "a control character": ("services: \x07", "is not YAML: "),
    "very deep": ("[" * 700, "is not YAML: "),
    "a variable twice": (
        "services:\n  web:\n    environment:\n      C2C_SECRET: hunter2\n      C2C_SECRET: word\n",
        "is not YAML: line 5: a key is there twice",
    ),
    "a service twice": ("services: {web: {}, web: {}}", "is not YAML: line 1: a key is there twice"),
    "two documents": ("services: {}\n---\nservices: {}\n", "has more than one document"),
    "a merge of a text": (
        "services: {web: {environment: {<<: hunter2}}}",
        "is not YAML: line 1: expected a mapping",
    ),
    "a merge bomb": (
        bomb("{C2C_SECRET: hunter2}", "{<<: [*, *, *, *, *, *, *, *, *, *]}", "{web: {environment: *}}", 9),
        "line 5: merges more than 100,000 keys",
    ),
    "a bomb in a key": (
        bomb("[hunter2]", "[*, *]", "{web: {? * : x}}", 50),
        "is not YAML: line 51: found unhashable key",
    ),
    "no mapping": ("- a", "is not a compose file, it has no services"),
    "no services": ("version: '3'", "is not a compose file, it has no services"),
    "a service that is a text": ("services: {web: x}", "service web is not a mapping"),
    "a path as the name": ("services: {../web: {}}", "the name of a service is not one of docker compose"),
    "a text": ("services: {web: {environment: x}}", "is neither a mapping nor a list"),
    "a list of lists": ("services: {web: {environment: [[a]]}}", "has an item that is not NAME=value"),
    "a value that is a list": ("services: {web: {environment: {C2C_DB: [1]}}}", "C2C_DB is not a text"),
    "a name": ("services: {web: {environment: {'a b': c}}}", "has an invalid name"),
}


@pytest.mark.parametrize("case", COMPOSE_PROBLEMS)
def test_problems_of_compose_files(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no compose file is one line, and the code is 1."""
    text, expected = COMPOSE_PROBLEMS[case]
    out, err = run([env_file(tmp_path, text, "compose.yaml")], capsys, code=1)
    assert (out, len(err)) == ([], 1)
    assert expected in err[0]
    assert "hunter2" not in err[0]


def test_every_problem_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run shows the problems of all files, and writes none of them."""
    files = [
        env_file(tmp_path, "C2C_SECRET=x\nC2C_XYZ=1\nSQLALCHEMY_POOL_SIZE=many", "a.env"),
        env_file(tmp_path, "C2C_SECRET=x", "b.env"),
        env_file(tmp_path, "services: [", "c.yml"),
        str(tmp_path / "missing.env"),
    ]
    _, err = run([*files, "--output", str(tmp_path / "new")], capsys, code=1)
    assert sorted(line.partition(": ")[2].removeprefix(f"{tmp_path}/")[:7] for line in err) == [
        *("a.env: ", "a.env: ", "c.yml: ", "missing"),
    ]
    assert not (tmp_path / "new").exists()


KEPT = {
    "marks and ends of lines": (
        "\ufeffservices:\r\n  web:\r\n    environment:\r\n      C2C_SECRET: word\r\n",
        {"web.env": "C2C__AUTH__SECRET=word\n"},
    ),
    "merge keys": (
        """
x-e: &e {C2C_SECRET: word, C2C_REDIS_DB: 1}
services: {web: {environment: {<<: *e, C2C_REDIS_DB: 2}}, api: {environment: {<<: [*e]}}}
""",
        {
            "web.env": "C2C__AUTH__SECRET=word\nC2C__REDIS__DB=2\n",
            "api.env": "C2C__AUTH__SECRET=word\nC2C__REDIS__DB=1\n",
        },
    ),
    "nulls": (
        "services: {web: {environment: {C2C_SECRET: null, C2C_REDIS_DB: ~, A: ''}}}",
        {"web.env": 'C2C__AUTH__SECRET="${C2C_SECRET}"\nC2C__REDIS__DB="${C2C_REDIS_DB}"\nA=\'\'\n'},
    ),
    "defaults": (
        "services: {web: {environment: ['C2C_SECRET=${A:-b}', 'C2C_PROMETHEUS_PREFIX=${P-}${Q:+q}']}}",
        {"web.env": 'C2C__AUTH__SECRET="${A:-b}"\nC2C__PROMETHEUS__PREFIX="${P-}${Q:+q}"\n'},
    ),
    "numbers as they stand": (
        "services: {web: {environment: {C2C_SECRET: 0123, C2C_REDIS_DB: 1, C2C_TRACK_REDIS: yes}}}",
        {"web.env": "C2C__AUTH__SECRET=0123\nC2C__REDIS__DB=1\nC2C__REDIS__METRICS=True\n"},
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_forms_of_compose_files(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The values are those that docker compose would pass on."""
    text, expected = KEPT[case]
    assert converted(tmp_path, capsys, compose=text) == expected


def test_a_service_with_env_files_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report names its env files, and no empty file is written for it."""
    text = "services: {web: {env_file: [a.env, {path: b.env}]}, db: {environment: {PGDATA: /x}}}"
    file = env_file(tmp_path, text, "compose.yaml")
    out, _ = run([file, "--output", str(tmp_path / "new")], capsys)
    assert out[:3] == [
        f"{file}, service web",
        "  convert a.env, too: the service reads it",
        "  convert b.env, too: the service reads it",
    ]
    assert list((tmp_path / "new").iterdir()) == []


def test_no_space_left(tmp_path: Path) -> None:
    """When a file cannot be written to its end, neither it nor the folder stays."""
    file = env_file(tmp_path, f"C2C_SECRET={'x' * 5000}")
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from c2casgiutils.scripts import migrate_env; migrate_env.main()"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", limited, file, "--output", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"c2casgiutils-migrate-env: {tmp_path / 'new'}: File too large"]
    assert [path.name for path in tmp_path.iterdir()] == ["test.env"]


def test_a_link_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link in the folder, which somebody else may have set, is not written through."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "test.env").symlink_to(tmp_path / "elsewhere")
    _, err = run([env_file(tmp_path, "C2C_SECRET=x"), "--output", str(tmp_path / "new")], capsys, code=1)
    assert err[0].endswith("new/test.env: File exists")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("given", [".", "missing.env", "a\0b"])
def test_what_is_no_file(given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run([given, "--output", str(tmp_path / "new")], capsys, code=1)
    assert len(err) == 1
    assert list(tmp_path.iterdir()) == []


def test_names_that_control_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report can be printed on any terminal, and changes none."""
    paths = [
        env_file(tmp_path, "C2C_REDIS_URL=redis://a\n", f"{name}.env") for name in ("\udcff", "\x1b[31m")
    ]
    out, _ = run(paths, capsys)
    assert out[0].endswith("/\ufffd.env")
    assert out[2].endswith("/\ufffd[31m.env")
    _, err = run([env_file(tmp_path, "?", "\x1b[32m.env")], capsys, code=1)
    assert err[0].endswith("/\ufffd[32m.env: line 1 is not NAME=value")


def test_names_that_are_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written, neither for a service nor into a folder of such a name."""
    name = "a" * 300
    services = f"services:\n  {name}:\n    environment:\n      C2C_REDIS_URL: redis://a\n"
    path = env_file(tmp_path, services, "compose.yaml")
    for output in (tmp_path, tmp_path / name):
        _, err = run([path, "--output", str(output)], capsys, code=1)
        assert err[0].endswith("File name too long")
    assert [each.name for each in tmp_path.iterdir()] == ["compose.yaml"]


def test_not_utf_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test.env").write_bytes(b"C2C_SECRET=\xff")
    assert run([str(tmp_path / "test.env")], capsys, code=1)[1][0].endswith("test.env: is not UTF-8")


def test_other_variables_are_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of other libraries and services are copied, and not in the report."""
    file = env_file(tmp_path, "PGHOST=db\nSENTRY_ORGANISATION=us\nSQLALCHEMY_WARN_20=1\n")
    out, _ = run([file, "--output", str(tmp_path / "new")], capsys)
    assert out == [file, "No variable of c2cwsgiutils or c2casgiutils"]
    assert (tmp_path / "new" / "test.env").read_text() == (tmp_path / "test.env").read_text()


def test_existing_files_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No file is replaced, and none is written beside one that would be."""
    files = [env_file(tmp_path, "C2C_SECRET=x", name) for name in ("a.env", "b.env")]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.env").write_text("kept")
    _, err = run([*files, "--output", str(tmp_path / "new")], capsys, code=1)
    assert err == [f"c2casgiutils-migrate-env: {tmp_path / 'new' / 'b.env'}: exists already"]
    assert [path.read_text() for path in (tmp_path / "new").iterdir()] == ["kept"]


def test_two_files_of_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    files = [env_file(tmp_path, "C2C_SECRET=x"), env_file(tmp_path / "other", "C2C_SECRET=y")]
    _, err = run([*files, "--output", str(tmp_path / "new")], capsys, code=1)
    assert err[0].endswith("test.env: would be written 2 times")


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = env_file(tmp_path, "C2C_SECRET=x")
    _, err = run([file, "--output", f"{file}/new"], capsys, code=1)
    assert err == [f"c2casgiutils-migrate-env: {file}/new: Not a directory"]


# From the descriptions of c2cwsgiutils; X stands for any name.
OF_C2CWSGIUTILS = re.findall(
    r"\w+",
    """
    C2C_BASE_PATH C2C_SECRET C2C_USE_SESSION DEVELOPMENT GIT_HASH COVERAGE C2CWSGIUTILS_CONFIG
    C2C_AUTH_GITHUB_REPOSITORY C2C_AUTH_GITHUB_ACCESS_TYPE C2C_AUTH_GITHUB_CLIENT_ID
    C2C_AUTH_GITHUB_CLIENT_SECRET C2C_AUTH_GITHUB_SCOPE C2C_AUTH_GITHUB_SECRET C2C_AUTH_GITHUB_COOKIE
    C2C_AUTH_GITHUB_AUTH_URL C2C_AUTH_GITHUB_TOKEN_URL C2C_AUTH_GITHUB_USER_URL C2C_AUTH_GITHUB_REPO_URL
    C2C_AUTH_GITHUB_PROXY_URL C2C_REDIS_URL C2C_REDIS_OPTIONS C2C_REDIS_SENTINELS C2C_REDIS_SERVICENAME
    C2C_REDIS_DB C2C_REDIS_PUBSUB_RETRY_DELAY C2C_REDIS_PUBSUB_GET_MESSAGE_TIMEOUT C2C_BROADCAST_PREFIX
    C2C_TRACK_REDIS C2C_PROMETHEUS_PORT C2C_PROMETHEUS_PREFIX C2C_PROMETHEUS_PACKAGES
    C2C_PROMETHEUS_APPLICATION_PACKAGE PROMETHEUS_MULTIPROC_DIR C2C_DEBUG_VIEW_ENABLED C2C_LOG_VIEW_ENABLED
    C2C_DB_MAINTENANCE_VIEW_ENABLED C2C_SQL_PROFILER_ENABLED C2C_ENABLE_EXCEPTION_HANDLING
    C2C_DISABLE_EXCEPTION_HANDLING C2C_REQUEST_ID_HEADER C2C_REQUESTS_DEFAULT_TIMEOUT C2C_SQL_REQUEST_ID
    C2C_JSON_PRETTY_PRINT C2C_JSON_SORT_KEYS C2CWSGIUTILS_FORCE_PROTO C2CWSGIUTILS_FORCE_HOST
    C2CWSGIUTILS_FORCE_SERVER_NAME C2CWSGIUTILS_FORCE_REMOTE_ADDR C2CWSGIUTILS_STATS_DB_TRYNUMBER
    C2CWSGIUTILS_STATS_DB_SLEEP C2C_PROFILER_PATH C2C_PROFILER_MODULES SQLALCHEMY_URL
    SQLALCHEMY_POOL_RECYCLE SQLALCHEMY_POOL_SIZE SQLALCHEMY_MAX_OVERFLOW SQLALCHEMY_SLAVE_URL
    SQLALCHEMY_SLAVE_POOL_RECYCLE SQLALCHEMY_SLAVE_POOL_SIZE SQLALCHEMY_SLAVE_MAX_OVERFLOW SENTRY_URL
    SENTRY_CLIENT_X SENTRY_CLIENT_RELEASE SENTRY_CLIENT_ENVIRONMENT SENTRY_CLIENT_IGNORE_EXCEPTIONS
    SENTRY_TAG_X SENTRY_LEVEL SENTRY_TRACES_SAMPLE_RATE SENTRY_INTEGRATION_LOGGING
    SENTRY_INTEGRATION_PYRAMID SENTRY_INTEGRATION_SQLALCHEMY SENTRY_INTEGRATION_REDIS
    SENTRY_INTEGRATION_ASYNCIO SENTRY_EXCLUDES LOG_TYPE LOG_LEVEL SQL_LOG_LEVEL OTHER_LOG_LEVEL
    C2CWSGIUTILS_LOG_LEVEL DEBUG_LOGCONFIG GUNICORN_WORKERS GUNICORN_THREADS GUNICORN_ACCESS_LOG_FORMAT
    WAITRESS_THREADS STATS_VIEW STATSD_ADDRESS STATSD_PREFIX STATSD_USE_TAGS
    """,
)


@pytest.mark.parametrize("name", OF_C2CWSGIUTILS)
def test_each_variable_has_a_fate(name: str) -> None:
    """Each variable of c2cwsgiutils has a new name or a reason."""
    variable = find(name)
    assert variable is not None
    assert variable.new or variable.change


def test_new_names_exist() -> None:
    """Each new name of the table is read by the settings, or was the name before."""
    for variable in (each for group in OLDER_VARIABLES.values() for each in group):
        name = variable.new.replace("__<NAME>", "__TAG_X").replace("<NAME>", "X")
        assert variable.fate != "moved" or name in {variable.name, "WEB_CONCURRENCY"} or is_setting(name)


TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
) | st.sampled_from(["'", '"', "\\", "a\\", "${A}", "$$", "#", " #x", "\r", "\n", "it's", "`x`"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, derandomize=True)
@given(values=st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), TEXTS, max_size=4))
def test_written_values_are_read_alike(values: dict[str, str]) -> None:
    """Whatever a value is, an env file that is written and read again has it."""
    environment = {name: Value(text) for name, text in values.items()}
    assert parse_env(write_env(environment)) == environment


PARTS = st.sampled_from(
    [
        *("C2C_SECRET=", "C2C_DB", "export ", "=", "'", '"', "\n", "#", "${", "$$", "\\", "\0", "\xff"),
        *("services:", "{", "}", "[", "]", "environment:", "web:", "&a ", "*a", "<<: ", "- ", "? ", "  "),
        *("!!int x", "2024-99-99", "!!timestamp x", "!!binary ü", "env_file: ", "SENTRY_CLIENT_X=", " "),
    ]
)
CONTENT = st.binary(max_size=60) | st.lists(PARTS, max_size=25).map(lambda parts: "".join(parts).encode())


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(content=CONTENT, suffix=st.sampled_from([".env", ".yaml"]))
def test_any_bytes(content: bytes, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a file contains, it is converted, or what is wrong is said in lines and with exit code 1."""
    file = tmp_path / f"test{suffix}"
    file.write_bytes(content)
    code: object = 0
    try:
        migrate_env.main([str(file)])
    except SystemExit as ended:
        code = ended.code
    out, err = capsys.readouterr()
    prefixed = [line for line in err.splitlines() if line.startswith("c2casgiutils-migrate-env: ")]
    assert (code, prefixed) in ((0, []), (1, err.splitlines()))
    assert bool(out) is not bool(err)


def converted(folder: Path, capsys: pytest.CaptureFixture[str], **files: str) -> dict[str, str]:
    """Return the env files that are made of some files; the name `env` stands for `.env`."""
    names = {"env": ".env", "other": "other.env", "compose": "compose.yaml"}
    paths = [env_file(folder, text, names[name]) for name, text in files.items()]
    run([*paths, "--output", str(folder / "new")], capsys)
    return {path.name: path.read_text() for path in (folder / "new").iterdir()}


PASSED_ON = """
services:
  web:
    environment:
      - C2C_SECRET
      - C2C_REDIS_URL=redis://:${REDIS_PASSWORD}@redis
      - SQLALCHEMY_URL=postgresql+psycopg2://app:${C2C_SECRET:?missing}@db/app
"""


def test_a_reference_to_a_variable_of_the_env_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value refers to the new name of a variable that stands before it in the file, whatever the braces."""
    text = "C2C_SECRET=word\nA=${C2C_SECRET}\nB=$C2C_SECRET\nC='$C2C_SECRET'\nD=\"\\$C2C_SECRET\"\n"
    new = converted(tmp_path, capsys, other=f"{text}C2C_REDIS_DB\n")
    assert new["other.env"] == (
        "C2C__AUTH__SECRET=word\n"
        'A="${C2C__AUTH__SECRET}"\nB="$C2C__AUTH__SECRET"\n'
        "C='$C2C_SECRET'\nD='$C2C_SECRET'\n"
        'C2C__REDIS__DB="${C2C_REDIS_DB}"\n'
    )


def test_a_reference_of_a_compose_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compose reads `.env`: if it is converted, too, the references follow its new names."""
    new = converted(tmp_path, capsys, env="C2C_SECRET=word\nREDIS_PASSWORD=x\n", compose=PASSED_ON)
    assert new["web.env"] == (
        'C2C__AUTH__SECRET="${C2C__AUTH__SECRET}"\n'
        'C2C__REDIS__URL="redis://:${REDIS_PASSWORD}@redis"\n'
        'C2C__DB__URL="postgresql://app:${C2C__AUTH__SECRET:?missing}@db/app"\n'
    )


@pytest.mark.parametrize(
    "files", [{"compose": PASSED_ON}, {"other": "C2C_SECRET=word", "compose": PASSED_ON}]
)
def test_a_reference_to_the_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, str]
) -> None:
    """What the host sets under an old name is referred to by that; compose does not read other env files."""
    assert converted(tmp_path, capsys, **files)["web.env"].startswith('C2C__AUTH__SECRET="${C2C_SECRET}"\n')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("STATSD_ADDRESS=a\nA=${STATSD_ADDRESS}", "A: refers to STATSD_ADDRESS, which has no new name"),
        ("C2C_BASE_PATH=/c2c\nA=x$C2C_BASE_PATH", "A: refers to C2C_BASE_PATH, which has no new name"),
        (
            "SENTRY_CLIENT_SHUTDOWN_TIMEOUT=2\nA=$SENTRY_CLIENT_SHUTDOWN_TIMEOUT",
            "A: refers to SENTRY_CLIENT_SHUTDOWN_TIMEOUT, which has no new name",
        ),
    ],
)
def test_a_reference_to_nothing(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value that refers to what is no variable any more is a problem."""
    _, err = run([env_file(tmp_path, text), "--output", str(tmp_path / "new")], capsys, code=1)
    assert [line.partition("test.env: ")[2] for line in err] == [reason]
    assert not (tmp_path / "new").exists()


def test_options_that_are_set_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The new variable wins over the old ones that would become a part of it."""
    text = "C2C__SENTRY__OPTIONS='{shutdown_timeout: 3}'\nSENTRY_CLIENT_SHUTDOWN_TIMEOUT=2\n"
    new = converted(tmp_path, capsys, other=text)["other.env"]
    assert new == "C2C__SENTRY__OPTIONS='{shutdown_timeout: 3}'\n"


def test_a_group_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole group of settings may be one variable."""
    text = """C2C__AUTH__JWT='{"algorithm": "HS512"}'\n"""
    assert converted(tmp_path, capsys, other=text)["other.env"] == text


@pytest.mark.parametrize(
    "text", ["C2C__AUTH__SECRET=\nC2C_SECRET=word", "C2C_SECRET=word\nC2C__AUTH__SECRET="]
)
def test_an_empty_new_name(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new variable without a value is not set, so that the old one counts."""
    assert converted(tmp_path, capsys, other=text)["other.env"] == "C2C__AUTH__SECRET=word\n"
