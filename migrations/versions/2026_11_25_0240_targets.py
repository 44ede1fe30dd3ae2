"""Targets, and what was known of them before; the indexes by which the audit log is searched.

A target is known as it is from its ``updated_at`` on; a trigger keeps what was known before in ``target_versions``,
which the service's role may only read. The plan's own numbers are nobody's until somebody enters them: this migration
writes none.

Revision ID: 20261125_06
Revises: 20261125_05
Create Date: 2026-11-25 02:40:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.support import audit, versioned

revision = '20261125_06'
down_revision = '20261125_05'
branch_labels = None
depends_on = None

RECORDED = ('year', 'area_code', 'measure', 'value', 'due_on', 'note', 'synthetic', 'is_retired', 'version', 'updated_at')

HISTORY = f"""
    CREATE FUNCTION keep_target_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
    DECLARE moment timestamptz := ledger_moment();
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
        IF OLD.updated_at < moment THEN
            INSERT INTO target_versions (target_id, {', '.join(RECORDED)}, known_to)
            VALUES (OLD.id, {', '.join(f'OLD.{name}' for name in RECORDED)}, moment);
        END IF;
        RETURN NULL;
    END $$
"""

NARROWER = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            REVOKE INSERT, UPDATE, DELETE ON target_versions FROM skillsmap_app;
            REVOKE DELETE ON targets FROM skillsmap_app;
        END IF;
    END $$
"""


def columns() -> list[sa.Column]:
    return [
        sa.Column('year', sa.Integer(), nullable=False),
        sa.Column('area_code', sa.Text(), nullable=False),
        sa.Column('measure', sa.Text(), nullable=False),
        sa.Column('value', sa.BigInteger(), nullable=False),
        sa.Column('due_on', sa.Date(), nullable=False),
        sa.Column('note', sa.Text(), nullable=True),
        sa.Column('synthetic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('is_retired', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column(
            'updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False
        ),
    ]


def upgrade() -> None:
    op.create_table(
        'targets',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        *columns(),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_targets')),
        sa.CheckConstraint('value >= 0', name=op.f('ck_targets_value')),
        sa.CheckConstraint('year = extract(year FROM due_on)', name=op.f('ck_targets_year')),
    )
    op.create_index(
        'uq_targets_in_force', 'targets', ['area_code', 'measure', 'due_on'], unique=True,
        postgresql_where=sa.text('NOT is_retired'),
    )
    op.create_table(
        'target_versions',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('target_id', sa.Integer(), nullable=False),
        *columns(),
        sa.Column('known_to', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_target_versions')),
        sa.CheckConstraint('known_to > updated_at', name=op.f('ck_target_versions_known')),
    )
    op.create_index(op.f('ix_target_versions_target_id'), 'target_versions', ['target_id'])
    op.execute(HISTORY)
    versioned('targets')
    audit('targets', kind='target', key='id')
    op.execute("""
        CREATE TRIGGER targets_history AFTER UPDATE OR DELETE ON targets
        FOR EACH ROW EXECUTE FUNCTION keep_target_history()
    """)
    op.execute("""
        CREATE TRIGGER targets_keep BEFORE TRUNCATE ON targets
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute(NARROWER)
    op.create_index('ix_audit_log_district_code', 'audit_log', ['district_code', 'id'])
    op.create_index('ix_audit_log_town_code', 'audit_log', ['town_code', 'id'])
    op.create_index('ix_audit_log_channel', 'audit_log', ['channel', 'id'])
    op.create_index(
        'ix_audit_log_event', 'audit_log', ['action', 'id'],
        postgresql_where=sa.text("action NOT IN ('insert', 'update')"),
    )


def downgrade() -> None:
    for name in ('event', 'channel', 'town_code', 'district_code'):
        op.drop_index(f'ix_audit_log_{name}', 'audit_log')
    op.drop_table('target_versions')
    op.drop_table('targets')
    op.execute('DROP FUNCTION keep_target_history()')
