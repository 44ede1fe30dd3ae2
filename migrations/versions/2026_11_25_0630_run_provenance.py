"""Runs name the software that made them; the service can no longer change or remove what it has recorded.

Revision ID: 20261125_21
Revises: 20261125_20
Create Date: 2026-11-25 06:30:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261125_21'
down_revision = '20261125_20'
branch_labels = None
depends_on = None

RIGHTS = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            {} UPDATE, DELETE ON coverage_runs, coverage_area_results, coverage_cell_results {} skillsmap_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column('coverage_runs', sa.Column('known_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('coverage_runs', sa.Column('software', postgresql.JSONB(), nullable=True))
    op.create_index('ix_coverage_runs_created_at', 'coverage_runs', ['created_at', 'id'])
    op.execute(RIGHTS.format('REVOKE', 'FROM'))


def downgrade() -> None:
    op.execute(RIGHTS.format('GRANT', 'TO'))
    op.drop_index('ix_coverage_runs_created_at', 'coverage_runs')
    op.drop_column('coverage_runs', 'software')
    op.drop_column('coverage_runs', 'known_at')
