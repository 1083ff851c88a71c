"""The console script `c2casgiutils-migrate-env`: the variables of older releases under their new names."""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from c2casgiutils.scripts import _console
from c2casgiutils.scripts._env_files import UnreadableError, write_env
from c2casgiutils.scripts._environments import read
from c2casgiutils.scripts._migration import Migration

_PROGRAM = "c2casgiutils-migrate-env"
_FAILED = 1
_KINDS = {
    "moved": "moved",
    "same": "the same",
    "code": "now in the code",
    "dropped": "dropped",
    "unknown": "unknown",
}
_EPILOG = """\
The report has names only. With --output the new environments, with their values, are written to files that
only you can read: web.env for the service web of a compose file, and for an env file one of its own name.

examples:
  %(prog)s .env docker-compose.yaml
  %(prog)s .env --output converted

exit codes:
  0  all variables can be converted
  1  a file cannot be read, or a variable is unknown or cannot be converted; nothing was written
  2  an argument is wrong
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what becomes of each variable to standard output, and the new ones to files on request.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: Something cannot be converted, or an argument is wrong.
    """
    parser = _console.create_parser(
        _PROGRAM, "Convert the variables of c2cwsgiutils and of c2casgiutils 0.x.", _EPILOG
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="env files, compose files (.yaml)"
    )
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write the new env files")
    parser.add_argument(
        "--keep-unknown", action="store_true", help="copy variables that are unknown but look like ours"
    )
    options = parser.parse_args(arguments)
    migrations, problems = _migrate(options.files, keep_unknown=options.keep_unknown)
    if not problems and options.output is not None:
        problems = _write(migrations, options.output)
    for problem in problems:  # no problem quotes a secret, and scrubbing would take names for one
        sys.stderr.write(f"{parser.prog}: {_console.printable(' '.join(problem.split()))}\n")
    if problems:
        sys.exit(_FAILED)
    sys.stdout.write("".join(f"{_console.printable(line)}\n" for line in _described(migrations)))


def _migrate(files: Iterable[Path], *, keep_unknown: bool) -> tuple[list[Migration], list[str]]:
    migrations: list[Migration] = []
    problems: list[str] = []
    for file in files:
        try:
            migrations += [Migration(each, keep_unknown=keep_unknown) for each in read(file)]
        except UnreadableError as error:
            problems.append(str(error))
    # docker compose reads `.env`, and no other env file, for the references in its own file
    of_compose: dict[str, str] = {}
    for each in migrations:
        if each.environment.file_name == ".env" and not each.environment.is_service:
            of_compose |= each.renamed
    for each in migrations:
        each.refer_to(of_compose if each.environment.is_service else each.renamed)
    return migrations, [*problems, *(problem for each in migrations for problem in each.problems)]


def _write(migrations: Sequence[Migration], folder: Path) -> list[str]:
    """Write all env files or none; return why not, one line for each file."""
    migrations = [each for each in migrations if each.values or not each.environment.is_service]
    names = Counter(migration.environment.file_name for migration in migrations)
    problems = [
        f"{folder / name}: would be written {times} times" for name, times in names.items() if times > 1
    ]
    problems += [f"{folder / name}: exists already" for name in names if _exists(folder / name)]
    if problems:
        return problems
    written: list[Path] = []
    is_new = not _exists(folder)
    try:
        folder.mkdir(exist_ok=True)
        for migration in migrations:
            path = folder / migration.environment.file_name
            path.touch(mode=0o600, exist_ok=False)
            written.append(path)
            path.write_text(write_env(migration.values), encoding="utf-8")
    except OSError as error:
        for path in written:
            path.unlink()
        if is_new and _exists(folder):
            folder.rmdir()
        return [f"{error.filename or folder}: {error.strerror}"]
    return []


def _exists(path: Path) -> bool:
    """Return whether a file exists; `False` for what cannot be one, which creating it reports."""
    return os.path.exists(path)  # noqa: PTH110  # it does not raise


def _described(migrations: Sequence[Migration]) -> list[str]:
    lines: list[str] = []
    kinds: Counter[str] = Counter()
    for migration in migrations:
        environment, changes = migration.environment, migration.changes
        kinds.update(change.kind for change in changes)
        width = max((len(change.name) for change in changes), default=0)
        lines.append(environment.label)
        lines += [f"  {change.name:<{width}}  {_prefix(change.kind)}{change.text}" for change in changes]
        lines += [f"  {note}" for note in environment.notes]
    if not kinds:
        return [*lines, "No variable of c2cwsgiutils or c2casgiutils"]
    return [*lines, ", ".join(f"{kinds[kind]} {text}" for kind, text in _KINDS.items() if kinds[kind])]


def _prefix(kind: str) -> str:
    return {"code": "in the code: ", "dropped": "dropped: "}.get(kind, "")


if __name__ == "__main__":
    main()
