"""A script of an application."""

import asyncio
import logging
from argparse import ArgumentParser

from c2casgiutils import cli


async def main() -> None:
    """Set up as the application, then do the work."""
    parser = ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args()
    await cli.init(args)
    logging.getLogger("script").warning("the script ran")


asyncio.run(main())
