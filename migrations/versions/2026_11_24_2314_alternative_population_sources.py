"""Datasets have a role: main, or an alternative that stands beside the main one and widens intervals.

Revision ID: 20261124_02
Revises: 20261124_01
Create Date: 2026-11-24 23:14:12.408113+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '20261124_02'
down_revision = '20261124_01'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('datasets', sa.Column('role', sa.Text(), server_default='main', nullable=False))


def downgrade() -> None:
    op.drop_column('datasets', 'role')
