"""Quarterly reports and their steps.

Revision ID: 20261125_04
Revises: 20261125_03
Create Date: 2026-11-25 02:30:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_04'
down_revision = '20261125_03'
branch_labels = None
depends_on = None

NO_CHANGES = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            REVOKE UPDATE, DELETE ON report_events FROM skillsmap_app;
            REVOKE DELETE ON reports FROM skillsmap_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        'reports',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('level', sa.Text(), nullable=False),
        sa.Column('subject_code', sa.Text(), nullable=False),
        sa.Column('district_code', sa.Text(), nullable=True),
        sa.Column('town_code', sa.Text(), nullable=True),
        sa.Column('quarter', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('submitted_by', sa.Text(), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('decided_by', sa.Text(), nullable=True),
        sa.Column('return_reason', sa.Text(), nullable=True),
        sa.Column('totals', postgresql.JSONB(), nullable=True),
        sa.Column('missing', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reports')),
        sa.UniqueConstraint('level', 'subject_code', 'quarter', name=op.f('uq_reports_subject')),
        sa.CheckConstraint("quarter ~ '^20[0-9]{2}Q[1-4]$'", name=op.f('ck_reports_quarter')),
    )
    op.create_index('ix_reports_quarter', 'reports', ['quarter', 'level', 'subject_code'])
    op.create_table(
        'report_events',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('report_id', sa.Integer(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('by', sa.Text(), nullable=False),
        sa.Column('from_state', sa.Text(), nullable=False),
        sa.Column('to_state', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('totals', postgresql.JSONB(), nullable=True),
        sa.Column('missing', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_report_events_report_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_report_events')),
    )
    op.create_index('ix_report_events_report_id', 'report_events', ['report_id', 'at'])
    versioned('reports')
    audit('reports', kind='report', key='id')
    op.execute("""
        CREATE TRIGGER report_events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON report_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute(NO_CHANGES)


def downgrade() -> None:
    op.drop_table('report_events')
    op.drop_table('reports')
