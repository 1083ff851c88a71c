"""The console script `c2casgiutils-test-print`: prints all example requests of a MapFish Print server."""

import argparse
import sys
from collections.abc import Sequence

from c2casgiutils.acceptance.print import PrintConnection

_DEFAULT_APP = "default"

_EPILOG = """\
examples:
  c2casgiutils-test-print --url http://localhost:8080/print/print --app city

exit codes:
  0  all reports are PDFs
  1  the server was not ready in time, or a report failed
  2  an argument is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Create the report of each example request, of one application or of all but `default`.

    Args:
        arguments: By default those of the command line.

    Returns:
        The exit code.

    Raises:
        SystemExit: An argument is wrong.
    """
    parser = _create_parser()
    options = parser.parse_args(arguments)
    headers = {"Referer": options.referrer} if options.referrer else {}
    try:
        connection = PrintConnection(options.url, headers=headers)
    except ValueError:
        parser.error("argument --url: must be an http or https URL")
    with connection:
        try:
            connection.wait_ready(options.timeout, options.app)
            apps = [options.app] if options.app else connection.get_apps()
        except AssertionError as error:
            print(error, file=sys.stderr)  # noqa: T201  # what a script does
            return 1
        chosen = [app for app in apps if options.app or app != _DEFAULT_APP]
        results = [_print_examples(connection, app, options.timeout, options.verbose) for app in chosen]
    return 0 if all(results) else 1


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="c2casgiutils-test-print",
        description="Print all example requests of a MapFish Print server.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--url", required=True, help="where apps.json is, as http://localhost:8080/print/print"
    )
    parser.add_argument("--app", help="the application; by default all but 'default'")
    parser.add_argument("--referrer", help="sent as Referer")
    parser.add_argument(
        "--timeout",
        type=float,
        default=60,
        metavar="SECONDS",
        help="for the start and each report; %(default)s",
    )
    parser.add_argument("--verbose", action="store_true", help="show the requests")
    return parser


def _print_examples(connection: PrintConnection, app: str, timeout: float, verbose: bool) -> bool:
    """Return whether all reports of an application are PDFs."""
    good = True
    try:
        examples = connection.get_example_requests(app)
    except AssertionError as error:
        print(f"{app}: {error}", file=sys.stderr)  # noqa: T201  # what a script does
        return False
    for name, request in examples.items():
        if verbose:
            print(f"{app} {name}: {request}")  # noqa: T201  # what a script does
        try:
            size = len(connection.get_pdf(app, request, timeout))
        except AssertionError as error:
            print(f"{app} {name}: {error}", file=sys.stderr)  # noqa: T201  # what a script does
            good = False
        else:
            print(f"{app} {name}: {size} bytes")  # noqa: T201  # what a script does
    return good


if __name__ == "__main__":
    sys.exit(main())
