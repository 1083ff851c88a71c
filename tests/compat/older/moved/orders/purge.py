"""A script: forget the orders without an amount."""

from argparse import ArgumentParser, Namespace

from sqlalchemy import delete

from c2casgiutils import cli, db

from .models import Order


async def main(args: Namespace) -> None:
    """Delete them and print how many."""
    async with db.get().session_scope(read_write=True) as session:
        done = await session.execute(delete(Order).where(Order.amount < args.least).returning(Order.id))
        print(len(done.all()))


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--least", type=int, default=1)
    cli.run(main, parser)
