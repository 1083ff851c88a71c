"""One table."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    op.create_table("item", sa.Column("id", sa.Integer, primary_key=True))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("item")
