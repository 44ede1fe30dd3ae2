"""The office's own calendar of holidays and make-up workdays.

Revision ID: 20261125_07
Revises: 20261125_06
Create Date: 2026-11-25 06:00:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_07'
down_revision = '20261125_06'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('calendar_years',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('holidays', postgresql.JSONB(), nullable=False),
    sa.Column('workdays', postgresql.JSONB(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('year BETWEEN 2000 AND 2100', name=op.f('ck_calendar_years_year')),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_calendar_years')),
    )
    versioned('calendar_years')
    audit('calendar_years', kind='calendar', key='year')
    op.execute("""
        CREATE TRIGGER calendar_years_raise_layer_version
        AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON calendar_years
        FOR EACH STATEMENT EXECUTE FUNCTION raise_layer_version('calendar')
    """)


def downgrade() -> None:
    op.drop_table('calendar_years')
