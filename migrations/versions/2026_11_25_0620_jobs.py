"""Long work as jobs: the queue of procrastinate, and what was asked, how far it is and what came of it.

Progress is written several times a second and is no part of the audit log; who started or cancelled a job is.

Revision ID: 20261125_20
Revises: 20261125_08
Create Date: 2026-11-25 06:20:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import drop_job_queue, install_job_queue

revision = '20261125_20'
down_revision = '20261125_08'
branch_labels = None
depends_on = None

OPEN = "state IN ('queued', 'running')"

# ids of the queue come from sequences, which a role needs a right of its own for
GRANTS = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_workers, procrastinate_events,
                procrastinate_periodic_defers TO skillsmap_app;
            GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq,
                procrastinate_periodic_defers_id_seq TO skillsmap_app;
        END IF;
    END $$
"""


def upgrade() -> None:
    install_job_queue()
    op.create_table(
        'jobs',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('number', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('parameters', postgresql.JSONB(), nullable=False),
        sa.Column('state', sa.Text(), server_default='queued', nullable=False),
        sa.Column('progress', sa.Double(), server_default=sa.text('0'), nullable=False),
        sa.Column('message_zh', sa.Text(), nullable=True),
        sa.Column('message_en', sa.Text(), nullable=True),
        sa.Column('result', postgresql.JSONB(), nullable=True),
        sa.Column('run_id', sa.Text(), nullable=True),
        sa.Column('problem', postgresql.JSONB(), nullable=True),
        sa.Column('user_id', sa.Integer(), nullable=True),
        sa.Column('asked_by', sa.Text(), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('cancel_asked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('queue_id', sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_jobs_state')),
        sa.CheckConstraint('progress BETWEEN 0 AND 1', name=op.f('ck_jobs_progress')),
        sa.CheckConstraint(f"({OPEN}) = (finished_at IS NULL)", name=op.f('ck_jobs_finished')),
        sa.CheckConstraint("(state = 'failed') = (problem IS NOT NULL)", name=op.f('ck_jobs_problem')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_jobs_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs')),
        sa.UniqueConstraint('number', name=op.f('uq_jobs_number')),
    )
    op.create_index('ix_jobs_user_id', 'jobs', ['user_id', 'number'])
    op.create_index('uq_jobs_queue_id', 'jobs', ['queue_id'], unique=True, postgresql_where=sa.text(OPEN))
    op.create_index('ix_jobs_open', 'jobs', ['number'], postgresql_where=sa.text(OPEN))
    op.create_index('ix_jobs_finished_at', 'jobs', ['finished_at'], postgresql_where=sa.text('finished_at IS NOT NULL'))
    op.execute(GRANTS)


def downgrade() -> None:
    op.drop_table('jobs')
    drop_job_queue()
