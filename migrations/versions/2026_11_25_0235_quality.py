"""Supervision: inspections and findings, visit codes and ratings, complaints, yearly appraisals, exemplars.

What a complaint or a rating says, and how to reach who said it, is never copied into the audit log, from which nothing
can be erased. A published appraisal, and the steps of a complaint, are refused to be changed by triggers.

Revision ID: 20261125_05
Revises: 20261125_04
Create Date: 2026-11-25 02:35:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_05'
down_revision = '20261125_04'
branch_labels = None
depends_on = None

PUBLISHED = """
    CREATE FUNCTION keep_published_appraisal() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE
        wanted int := CASE TG_OP WHEN 'INSERT' THEN NEW.year ELSE OLD.year END;
        held text;
    BEGIN
        IF TG_TABLE_NAME = 'appraisals' THEN
            held := OLD.state;
        ELSE
            SELECT state INTO held FROM appraisals WHERE year = wanted;
        END IF;
        IF held = 'published' THEN
            RAISE EXCEPTION 'the appraisal of % is published and may not be changed', wanted
            USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$
"""

NARROWER = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            REVOKE DELETE ON inspections, findings, visit_code_batches, visit_codes, ratings, complaints,
                complaint_contacts, appraisals, exemplars FROM skillsmap_app;
            REVOKE UPDATE, DELETE ON complaint_steps FROM skillsmap_app;
        END IF;
    END $$
"""

AUDITED = (
    ('inspections', 'inspection', 'id', ()),
    ('findings', 'finding', 'id', ()),
    ('visit_code_batches', 'visit_codes', 'id', ()),
    ('ratings', 'rating', 'id', ('comment',)),
    ('complaints', 'complaint', 'number', ('text',)),
    ('complaint_contacts', 'complaint_contact', 'complaint_id', ('contact',)),
    ('complaint_steps', 'complaint_step', 'id', ('text',)),
    ('appraisals', 'appraisal', 'year', ()),
    ('exemplars', 'exemplar', 'id', ()),
)
VERSIONED = (
    'inspections', 'findings', 'visit_code_batches', 'ratings', 'complaints', 'appraisals', 'exemplars',
)
TABLES = (
    'appraisals',
    'visitor_counts',
    'visitor_keys',
    'appraisal_scores',
    'complaints',
    'exemplars',
    'inspections',
    'ratings',
    'visit_code_batches',
    'complaint_contacts',
    'complaint_steps',
    'findings',
    'visit_codes',
)


def upgrade() -> None:
    op.create_table(
        'appraisals',
        sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('state', sa.Text(), server_default='draft', nullable=False),
        sa.Column('counted_until', sa.Date(), nullable=False),
        sa.Column('computed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('computed_by', sa.Text(), nullable=False),
        sa.Column('rules', postgresql.JSONB(), nullable=False),
        sa.Column('stations', sa.Integer(), nullable=False),
        sa.Column('scores_sha256', sa.Text(), nullable=False),
        sa.Column('published_on', sa.Date(), nullable=True),
        sa.Column('published_by', sa.Text(), nullable=True),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint("(state = 'published') = (published_on IS NOT NULL)", name=op.f('ck_appraisals_published')),
        sa.PrimaryKeyConstraint('year', name=op.f('pk_appraisals')),
    )
    op.create_table(
        'visitor_counts',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('mark', sa.LargeBinary(), nullable=False),
        sa.Column('purpose', sa.Text(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.CheckConstraint('count > 0', name=op.f('ck_visitor_counts_count')),
        sa.PrimaryKeyConstraint('day', 'mark', 'purpose', 'station_code', name=op.f('pk_visitor_counts')),
    )
    op.create_table(
        'visitor_keys',
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('secret', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('day', name=op.f('pk_visitor_keys')),
    )
    op.create_table(
        'appraisal_scores',
        sa.Column('year', sa.Integer(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('station_name', sa.Text(), nullable=False),
        sa.Column('station_type', sa.Text(), nullable=False),
        sa.Column('district_code', sa.Text(), nullable=True),
        sa.Column('town_code', sa.Text(), nullable=True),
        sa.Column('days_open', sa.Integer(), nullable=False),
        sa.Column('score', sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column('grade', sa.Text(), nullable=True),
        sa.Column('rank', sa.Integer(), nullable=True),
        sa.Column('rank_in_type', sa.Integer(), nullable=True),
        sa.Column('components', postgresql.JSONB(), nullable=False),
        sa.CheckConstraint('rank > 0 AND rank_in_type > 0', name=op.f('ck_appraisal_scores_ranks')),
        sa.CheckConstraint('score BETWEEN 0 AND 100', name=op.f('ck_appraisal_scores_score')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_appraisal_scores_station_code')),
        sa.ForeignKeyConstraint(['year'], ['appraisals.year'], name=op.f('fk_appraisal_scores_year')),
        sa.PrimaryKeyConstraint('year', 'station_code', name=op.f('pk_appraisal_scores')),
    )
    op.create_index('ix_appraisal_scores_rank', 'appraisal_scores', ['year', 'rank', 'station_code'])
    op.create_index('ix_appraisal_scores_station_code', 'appraisal_scores', ['station_code', 'year'])
    op.create_table(
        'complaints',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('number', sa.Text(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), server_default='received', nullable=False),
        sa.Column('received_on', sa.Date(), nullable=False),
        sa.Column('due_on', sa.Date(), nullable=False),
        sa.Column('first_due_on', sa.Date(), nullable=False),
        sa.Column('first_answered_on', sa.Date(), nullable=True),
        sa.Column('closed_on', sa.Date(), nullable=True),
        sa.Column('taken_by', sa.Text(), nullable=True),
        sa.Column('synthetic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint('due_on >= received_on AND first_due_on >= received_on', name=op.f('ck_complaints_dates')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_complaints_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_complaints')),
        sa.UniqueConstraint('number', name=op.f('uq_complaints_number')),
    )
    op.create_index('ix_complaints_due_on', 'complaints', ['due_on', 'id'])
    op.create_index('ix_complaints_not_done', 'complaints', ['due_on', 'id'], postgresql_where=sa.text("state IN ('received', 'in_progress')"))
    op.create_index('ix_complaints_station_code', 'complaints', ['station_code', 'received_on'])
    op.create_table(
        'exemplars',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('year', sa.Integer(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('proposed_by', sa.Text(), nullable=False),
        sa.Column('decided_by', sa.Text(), nullable=True),
        sa.Column('withdrawn_reason', sa.Text(), nullable=True),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint('year BETWEEN 2025 AND 2100', name=op.f('ck_exemplars_year')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_exemplars_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_exemplars')),
    )
    op.create_index('uq_exemplars_in_force', 'exemplars', ['station_code', 'year'], unique=True, postgresql_where=sa.text("state <> 'withdrawn'"))
    op.create_table(
        'inspections',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('inspected_on', sa.Date(), nullable=False),
        sa.Column('inspector', sa.Text(), nullable=False),
        sa.Column('inspector_id', sa.Integer(), nullable=True),
        sa.Column('verdict_signage', sa.Text(), server_default='not_checked', nullable=False),
        sa.Column('verdict_service', sa.Text(), server_default='not_checked', nullable=False),
        sa.Column('verdict_training', sa.Text(), server_default='not_checked', nullable=False),
        sa.Column('score_construction', sa.Integer(), nullable=True),
        sa.Column('score_operation', sa.Integer(), nullable=True),
        sa.Column('score_service_quality', sa.Integer(), nullable=True),
        sa.Column('remarks', sa.Text(), nullable=True),
        sa.Column('evidence', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column('is_cancelled', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('synthetic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint('score_construction BETWEEN 0 AND 100 AND score_operation BETWEEN 0 AND 100 AND score_service_quality BETWEEN 0 AND 100', name=op.f('ck_inspections_scores')),
        sa.ForeignKeyConstraint(['inspector_id'], ['users.id'], name=op.f('fk_inspections_inspector_id')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_inspections_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_inspections')),
    )
    op.create_index('ix_inspections_inspected_on', 'inspections', ['inspected_on', 'id'])
    op.create_index('ix_inspections_station_code', 'inspections', ['station_code', 'inspected_on', 'id'])
    op.create_table(
        'ratings',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('stars', sa.Integer(), nullable=False),
        sa.Column('aspects', postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column('comment', sa.Text(), nullable=True),
        sa.Column('by_code', sa.Boolean(), nullable=False),
        sa.Column('rated_on', sa.Date(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('moderated_by', sa.Text(), nullable=True),
        sa.Column('moderation_reason', sa.Text(), nullable=True),
        sa.Column('synthetic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint('stars BETWEEN 1 AND 5', name=op.f('ck_ratings_stars')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_ratings_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_ratings')),
    )
    op.create_index('ix_ratings_pending', 'ratings', ['id'], postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_ratings_station_code', 'ratings', ['station_code', 'id'])
    op.create_table(
        'visit_code_batches',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.Column('issued_by', sa.Text(), nullable=False),
        sa.Column('expires_on', sa.Date(), nullable=False),
        sa.Column('is_revoked', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint('count > 0', name=op.f('ck_visit_code_batches_count')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_visit_code_batches_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_code_batches')),
    )
    op.create_index(op.f('ix_visit_code_batches_station_code'), 'visit_code_batches', ['station_code'])
    op.create_table(
        'complaint_contacts',
        sa.Column('complaint_id', sa.Integer(), nullable=False),
        sa.Column('contact', sa.Text(), nullable=True),
        sa.Column('erased_on', sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(['complaint_id'], ['complaints.id'], name=op.f('fk_complaint_contacts_complaint_id')),
        sa.PrimaryKeyConstraint('complaint_id', name=op.f('pk_complaint_contacts')),
    )
    op.create_table(
        'complaint_steps',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('complaint_id', sa.Integer(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('actor', sa.Text(), nullable=True),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=True),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['complaint_id'], ['complaints.id'], name=op.f('fk_complaint_steps_complaint_id')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_complaint_steps_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint_steps')),
    )
    op.create_index(op.f('ix_complaint_steps_complaint_id'), 'complaint_steps', ['complaint_id'])
    op.create_table(
        'findings',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('inspection_id', sa.Integer(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('standard', sa.Text(), nullable=True),
        sa.Column('subject', sa.Text(), nullable=True),
        sa.Column('severity', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('due_on', sa.Date(), nullable=False),
        sa.Column('state', sa.Text(), server_default='open', nullable=False),
        sa.Column('remedied_on', sa.Date(), nullable=True),
        sa.Column('remedy_text', sa.Text(), nullable=True),
        sa.Column('closed_on', sa.Date(), nullable=True),
        sa.Column('closed_by', sa.Text(), nullable=True),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('ledger_moment()'), nullable=False),
        sa.CheckConstraint("(state = 'closed') = (closed_on IS NOT NULL)", name=op.f('ck_findings_closed')),
        sa.CheckConstraint("(state = 'open') = (remedied_on IS NULL)", name=op.f('ck_findings_remedied')),
        sa.CheckConstraint('closed_on >= remedied_on', name=op.f('ck_findings_dates')),
        sa.CheckConstraint('num_nonnulls(standard, subject) = 1', name=op.f('ck_findings_about')),
        sa.ForeignKeyConstraint(['inspection_id'], ['inspections.id'], name=op.f('fk_findings_inspection_id')),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_findings_station_code')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_findings')),
    )
    op.create_index(op.f('ix_findings_inspection_id'), 'findings', ['inspection_id'])
    op.create_index('ix_findings_due_on', 'findings', ['due_on', 'id'])
    op.create_index('ix_findings_station_code', 'findings', ['station_code', 'due_on', 'id'])
    op.create_table(
        'visit_codes',
        sa.Column('code_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('batch_id', sa.Integer(), nullable=False),
        sa.Column('is_used', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.ForeignKeyConstraint(['batch_id'], ['visit_code_batches.id'], name=op.f('fk_visit_codes_batch_id')),
        sa.PrimaryKeyConstraint('code_sha256', name=op.f('pk_visit_codes')),
    )
    op.create_index(op.f('ix_visit_codes_batch_id'), 'visit_codes', ['batch_id'])
    op.execute(PUBLISHED)
    for table in VERSIONED:
        versioned(table)
    for table, kind, key, hidden in AUDITED:
        audit(table, kind=kind, key=key, hidden=hidden)
    op.execute("""
        CREATE TRIGGER appraisals_keep BEFORE UPDATE OR DELETE ON appraisals
        FOR EACH ROW EXECUTE FUNCTION keep_published_appraisal()
    """)
    op.execute("""
        CREATE TRIGGER appraisal_scores_keep BEFORE INSERT OR UPDATE OR DELETE ON appraisal_scores
        FOR EACH ROW EXECUTE FUNCTION keep_published_appraisal()
    """)
    op.execute("""
        CREATE TRIGGER complaint_steps_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON complaint_steps
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    for table in ('appraisals', 'appraisal_scores'):
        op.execute(f"""
            CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
        """)
    op.execute(NARROWER)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute('DROP FUNCTION keep_published_appraisal()')
