"""The table of the orders."""

from alembic import op

revision = "4a8c1bb4e775"
down_revision = None


def upgrade() -> None:
    """Make it, with an order."""
    op.execute(
        "CREATE TABLE main.orders"
        " (id serial PRIMARY KEY, reference text UNIQUE DEFERRABLE INITIALLY DEFERRED, amount int NOT NULL)"
    )
    op.execute("INSERT INTO main.orders (reference, amount) VALUES ('first', 7)")
