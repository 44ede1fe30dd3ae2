"""(to be filled)

Revision ID: 20261125_02
Revises: 20261125_01
Create Date: 2026-11-25 02:20:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '20261125_02'
down_revision = '20261125_01'
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
