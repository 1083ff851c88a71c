"""The console script `c2casgiutils-grade`: grades the security headers of an application.

The application is called in process, as if over HTTPS with a public host name; its lifespan is not run.
"""

import argparse
import asyncio
import sys
from typing import Any

from c2casgiutils.headers import grade
from c2casgiutils.scripts._console import import_from_here

_GOOD_SCORE = 90
_EPILOG = """\
examples:
  %(prog)s app.main:app
  %(prog)s app.main:app /docs --threshold 70

exit codes:
  0  the score is good enough
  1  it is below the threshold
  2  an argument is wrong, or the application cannot be imported
"""


def main(arguments: list[str] | None = None) -> None:
    """Print the score and the findings; exit with 1 if the score is below the threshold.

    Args:
        arguments: By default those of the command line.

    Raises:
        SystemExit: Always; 2 if the application cannot be imported.
    """
    parser = argparse.ArgumentParser(
        prog="c2casgiutils-grade",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("application", metavar="IMPORT_STRING", help="module:attribute, as for uvicorn")
    parser.add_argument(
        "path", metavar="PATH", nargs="?", default="/", help="the path to request (%(default)s)"
    )
    parser.add_argument("--threshold", type=int, default=_GOOD_SCORE, help="the minimum score (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        app = _import(options.application)
    except (ImportError, AttributeError, ValueError) as error:
        parser.error(f"cannot import {options.application}: {error}")
    status, headers = asyncio.run(_call(app, options.path))
    result = grade(headers)
    sys.stdout.write(f"{options.path} answered {status}: {result.letter}, score {result.score}\n")
    for finding in sorted(result.findings, key=lambda each: each.modifier):
        sys.stdout.write(f"  {finding.modifier:+4d}  {finding.header} {finding.message}\n")
    raise SystemExit(result.score < options.threshold)


def _import(import_string: str) -> Any:
    module, separator, attribute = import_string.partition(":")
    if not (module and separator and attribute):
        raise ValueError("it must be module:attribute")
    value: Any = import_from_here(module)
    for name in attribute.split("."):
        value = getattr(value, name)
    return value


async def _call(app: Any, path: str) -> tuple[int, list[tuple[str, str]]]:
    import httpx

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://www.example.com") as http:
        response = await http.get(path)
    return response.status_code, response.headers.multi_items()


if __name__ == "__main__":
    main()
