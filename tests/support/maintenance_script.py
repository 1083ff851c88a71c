"""A script that writes an item: `python -m tests.support.maintenance_script NAME [--ignore]`."""

import sys
from argparse import ArgumentParser, Namespace

from sqlalchemy import text

from c2casgiutils import cli, db


async def main(args: Namespace) -> None:
    """Write it, or say why not."""
    try:
        async with db.get().session_scope(read_write=True, ignore_maintenance=args.ignore) as session:
            await session.execute(text("INSERT INTO item (name) VALUES (:name)"), {"name": args.name})
    except db.MaintenanceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--ignore", action="store_true")
    cli.run(main, parser)
