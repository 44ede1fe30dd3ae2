"""Courses, sessions, the training ledger, and what was known of it before.

Revision ID: 20261125_03
Revises: 20261125_02
Create Date: 2026-11-25 02:25:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_03'
down_revision = '20261125_02'
branch_labels = None
depends_on = None

FIGURES = (
    'station_code', 'quarter', 'kind', 'target_group', 'sessions_held', 'trainee_visits', 'training_hours',
    'certificates', 'note', 'version', 'updated_at',
)

# known_from is the moment of the last change; the audit log has what it changed
STAMP = """
    CREATE FUNCTION stamp_training_entry() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.known_from := CASE WHEN NEW.version = OLD.version THEN OLD.known_from ELSE ledger_moment() END;
        RETURN NEW;
    END $$
"""

# a line that was changed twice in one transaction was never known as it was in between
KEEP = f"""
    CREATE FUNCTION keep_training_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.version = OLD.version THEN RETURN NULL; END IF;
        END IF;
        IF OLD.known_from < ledger_moment() THEN
            INSERT INTO training_entry_versions (entry_id, {', '.join(FIGURES)}, known_from, known_to)
            VALUES (OLD.id, {', '.join(f'OLD.{name}' for name in FIGURES)}, OLD.known_from, ledger_moment());
        END IF;
        RETURN NULL;
    END $$
"""

NO_WRITES = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            REVOKE INSERT, UPDATE, DELETE ON training_entry_versions FROM skillsmap_app;
        END IF;
    END $$
"""


def row_state() -> list[sa.Column]:
    return [
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    ]


def figures() -> list[sa.Column]:
    return [
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('quarter', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('target_group', sa.Text(), nullable=False),
        sa.Column('sessions_held', sa.Integer(), nullable=False),
        sa.Column('trainee_visits', sa.Integer(), nullable=False),
        sa.Column('training_hours', sa.Numeric(10, 1), nullable=False),
        sa.Column('certificates', sa.Integer(), nullable=False),
        sa.Column('note', sa.Text(), nullable=True),
        *row_state(),
    ]


def upgrade() -> None:
    create_courses()
    create_entries()
    op.execute(STAMP)
    op.execute(KEEP)
    for table in ('courses', 'course_sessions', 'training_entries'):
        versioned(table)
    audit('courses', kind='course', key='id')
    audit('course_sessions', kind='session', key='id')
    audit('training_entries', kind='training_entry', key='id', hidden=('known_from',))
    # triggers of one kind fire by name: after training_entries_version
    op.execute("""
        CREATE TRIGGER training_entries_vstamp BEFORE UPDATE ON training_entries
        FOR EACH ROW EXECUTE FUNCTION stamp_training_entry()
    """)
    op.execute("""
        CREATE TRIGGER training_entries_keep AFTER UPDATE OR DELETE ON training_entries
        FOR EACH ROW EXECUTE FUNCTION keep_training_entry()
    """)
    op.execute(NO_WRITES)


def create_courses() -> None:
    op.create_table(
        'courses',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('form', sa.Text(), nullable=False),
        sa.Column('skill', sa.Text(), nullable=True),
        sa.Column('industry', sa.Text(), nullable=True),
        sa.Column('target_groups', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column('fee_yuan', sa.Numeric(10, 2), server_default=sa.text('0'), nullable=False),
        sa.Column('subsidised', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('subsidy_note', sa.Text(), nullable=True),
        sa.Column('seats', sa.Integer(), nullable=True),
        sa.Column('status', sa.Text(), server_default='offered', nullable=False),
        sa.Column('online_url', sa.Text(), nullable=True),
        sa.Column('description', sa.Text(), nullable=True),
        *row_state(),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_courses_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_courses')),
        sa.CheckConstraint('fee_yuan >= 0 AND seats >= 0', name=op.f('ck_courses_counts')),
        sa.CheckConstraint("form <> 'online' OR online_url IS NOT NULL", name=op.f('ck_courses_online_url')),
    )
    op.create_index('ix_courses_station_code', 'courses', ['station_code', 'id'])
    op.create_table(
        'course_sessions',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('course_id', sa.Integer(), nullable=False),
        sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('seats', sa.Integer(), nullable=True),
        sa.Column('teacher', sa.Text(), nullable=True),
        sa.Column('status', sa.Text(), server_default='planned', nullable=False),
        sa.Column('attended', sa.Integer(), nullable=True),
        sa.Column('certificates', sa.Integer(), nullable=True),
        *row_state(),
        sa.ForeignKeyConstraint(['course_id'], ['courses.id'], name=op.f('fk_course_sessions_course_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_course_sessions')),
        sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_course_sessions_times')),
        sa.CheckConstraint(
            'seats >= 0 AND attended >= 0 AND certificates >= 0', name=op.f('ck_course_sessions_counts')
        ),
    )
    op.create_index('ix_course_sessions_course_id', 'course_sessions', ['course_id', 'starts_at'])
    op.create_index('ix_course_sessions_starts_at', 'course_sessions', ['starts_at', 'id'])


def create_entries() -> None:
    op.create_table(
        'training_entries',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *figures(),
        sa.Column('known_from', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_training_entries_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_training_entries')),
        sa.UniqueConstraint('station_code', 'quarter', 'kind', 'target_group', name=op.f('uq_training_entries_line')),
        sa.CheckConstraint(
            'sessions_held >= 0 AND trainee_visits >= 0 AND training_hours >= 0 AND certificates >= 0',
            name=op.f('ck_training_entries_counts'),
        ),
        sa.CheckConstraint("quarter ~ '^20[0-9]{2}Q[1-4]$'", name=op.f('ck_training_entries_quarter')),
    )
    op.create_index('ix_training_entries_quarter', 'training_entries', ['quarter', 'station_code'])
    op.create_table(
        'training_entry_versions',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('entry_id', sa.BigInteger(), nullable=False),
        *figures(),
        sa.Column('known_from', sa.DateTime(timezone=True), nullable=False),
        sa.Column('known_to', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_training_entry_versions')),
        sa.CheckConstraint('known_to > known_from', name=op.f('ck_training_entry_versions_known')),
    )
    op.create_index('ix_training_entry_versions_known_to', 'training_entry_versions', ['known_to'])
    op.create_index(
        'ix_training_entry_versions_line', 'training_entry_versions',
        ['station_code', 'quarter', 'kind', 'target_group'],
    )


def downgrade() -> None:
    op.drop_table('training_entry_versions')
    op.drop_table('training_entries')
    op.drop_table('course_sessions')
    op.drop_table('courses')
    op.execute("DROP FUNCTION keep_training_entry()")
    op.execute("DROP FUNCTION stamp_training_entry()")
