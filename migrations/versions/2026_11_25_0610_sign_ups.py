"""Sign-ups for sessions and attendance; the layer that the snapshot of courses is told of changes by.

Sign-ups are not in the audit log: they are the public's, and are to be forgotten. What officers do with them is.

Revision ID: 20261125_08
Revises: 20261125_07
Create Date: 2026-11-25 06:10:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.support import audit

revision = '20261125_08'
down_revision = '20261125_07'
branch_labels = None
depends_on = None

LIVE = "state IN ('confirmed', 'waiting', 'attended', 'absent')"
COURSE_TABLES = ('courses', 'course_sessions')


def upgrade() -> None:
    op.create_table('session_seats',
    sa.Column('session_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('taken', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('waiting', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('taken >= 0 AND waiting >= 0', name=op.f('ck_session_seats_counts')),
    sa.ForeignKeyConstraint(['session_id'], ['course_sessions.id'],
                            name=op.f('fk_session_seats_session_id_course_sessions')),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_session_seats')),
    )
    op.create_table('sign_ups',
    sa.Column('id', sa.BigInteger(), sa.Identity(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('code_sha256', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('target_group', sa.Text(), nullable=False),
    sa.Column('phone_encrypted', sa.LargeBinary(), nullable=True),
    sa.Column('phone_mac', sa.LargeBinary(), nullable=True),
    sa.Column('erase_after', sa.Date(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state IN ('confirmed', 'waiting', 'cancelled', 'attended', 'absent')",
                       name=op.f('ck_sign_ups_state')),
    sa.ForeignKeyConstraint(['session_id'], ['course_sessions.id'],
                            name=op.f('fk_sign_ups_session_id_course_sessions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_ups')),
    sa.UniqueConstraint('code_sha256', name=op.f('uq_sign_ups_code_sha256')),
    )
    op.create_index('uq_sign_ups_person', 'sign_ups', ['session_id', 'phone_mac'], unique=True,
                    postgresql_where=sa.text(LIVE))
    op.create_index('ix_sign_ups_session_id', 'sign_ups', ['session_id', 'id'], unique=False)
    op.create_index('ix_sign_ups_phone_mac', 'sign_ups', ['phone_mac'], unique=False,
                    postgresql_where=sa.text("state IN ('confirmed', 'waiting')"))
    op.create_index('ix_sign_ups_erase_after', 'sign_ups', ['erase_after'], unique=False,
                    postgresql_where=sa.text('phone_encrypted IS NOT NULL'))
    op.create_table('session_attendance',
    sa.Column('session_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('target_group', sa.Text(), nullable=False),
    sa.Column('attended', sa.Integer(), nullable=False),
    sa.Column('certificates', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('attended >= 0 AND certificates >= 0', name=op.f('ck_session_attendance_counts')),
    sa.ForeignKeyConstraint(['session_id'], ['course_sessions.id'],
                            name=op.f('fk_session_attendance_session_id_course_sessions')),
    sa.PrimaryKeyConstraint('session_id', 'target_group', name=op.f('pk_session_attendance')),
    )
    audit('session_attendance', kind='attendance', key='session_id')
    for table in COURSE_TABLES:
        op.execute(f"""
            CREATE TRIGGER {table}_raise_layer_version
            AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION raise_layer_version('courses')
        """)


def downgrade() -> None:
    for table in COURSE_TABLES:
        op.execute(f"DROP TRIGGER {table}_raise_layer_version ON {table}")
    op.drop_table('session_attendance')
    op.drop_table('sign_ups')
    op.drop_table('session_seats')
