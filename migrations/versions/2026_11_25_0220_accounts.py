"""Accounts: users, sign-ins, sessions, signing keys, tokens of machines.

What is written at every sign-in stands in tables of its own, which the audit log does not copy: it has the events.

Revision ID: 20261125_02
Revises: 20261125_01
Create Date: 2026-11-25 02:20:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.support import audit, versioned

revision = '20261125_02'
down_revision = '20261125_01'
branch_labels = None
depends_on = None


def moment(name: str, *, nullable: bool = False, default: bool = False) -> sa.Column:
    server_default = sa.text('now()') if default else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=server_default, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        'users',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('username', sa.Text(), nullable=False),
        sa.Column('display_name', sa.Text(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('area_code', sa.Text(), nullable=False),
        sa.Column('area_level', sa.Text(), nullable=False),
        sa.Column('password_hash', sa.Text(), nullable=False),
        moment('password_changed_at', default=True),
        sa.Column('must_change_password', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('is_disabled', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
        moment('created_at', default=True),
        moment('updated_at', default=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
        sa.UniqueConstraint('username', name=op.f('uq_users_username')),
        sa.CheckConstraint("username ~ '^[a-z0-9._-]{3,40}$'", name=op.f('ck_users_username')),
    )
    op.create_table(
        'sign_in_states',
        sa.Column('username', sa.Text(), nullable=False),
        sa.Column('failed_in_row', sa.Integer(), server_default=sa.text('0'), nullable=False),
        moment('last_tried_at'),
        moment('locked_until', nullable=True),
        moment('last_sign_in_at', nullable=True),
        sa.PrimaryKeyConstraint('username', name=op.f('pk_sign_in_states')),
        sa.CheckConstraint('failed_in_row >= 0', name=op.f('ck_sign_in_states_failed_in_row')),
    )
    op.create_index(op.f('ix_sign_in_states_last_tried_at'), 'sign_in_states', ['last_tried_at'])
    op.create_table(
        'sign_in_failures',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('address', sa.Text(), nullable=False),
        moment('at'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_failures')),
    )
    op.create_index('ix_sign_in_failures_address', 'sign_in_failures', ['address', 'at'])
    op.create_index(op.f('ix_sign_in_failures_at'), 'sign_in_failures', ['at'])
    create_tokens()
    versioned('users')
    audit('users', kind='user', key='username', hidden=('password_hash',))
    audit('auth_keys', kind='auth_key', key='id', hidden=('secret',))
    audit('api_tokens', kind='api_token', key='prefix', hidden=('token_sha256', 'last_used_at'))


def create_tokens() -> None:
    op.create_table(
        'auth_keys',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('secret', sa.LargeBinary(), nullable=False),
        moment('created_at', default=True),
        moment('retired_at', nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_auth_keys')),
    )
    op.create_table(
        'auth_sessions',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        moment('created_at'),
        moment('refreshed_at'),
        moment('expires_at'),
        moment('ended_at', nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_auth_sessions_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_auth_sessions')),
    )
    op.create_index(op.f('ix_auth_sessions_user_id'), 'auth_sessions', ['user_id'])
    op.create_index(op.f('ix_auth_sessions_expires_at'), 'auth_sessions', ['expires_at'])
    op.create_table(
        'refresh_tokens',
        sa.Column('token_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('session_id', sa.Text(), nullable=False),
        moment('used_at', nullable=True),
        sa.ForeignKeyConstraint(
            ['session_id'], ['auth_sessions.id'], name=op.f('fk_refresh_tokens_session_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('token_sha256', name=op.f('pk_refresh_tokens')),
    )
    op.create_index(op.f('ix_refresh_tokens_session_id'), 'refresh_tokens', ['session_id'])
    op.create_table(
        'api_tokens',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('prefix', sa.Text(), nullable=False),
        sa.Column('token_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('area_code', sa.Text(), nullable=False),
        sa.Column('area_level', sa.Text(), nullable=False),
        sa.Column('may_write', sa.Boolean(), nullable=False),
        moment('created_at', default=True),
        moment('expires_at'),
        moment('last_used_at', nullable=True),
        moment('revoked_at', nullable=True),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_api_tokens_user_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
        sa.UniqueConstraint('prefix', name=op.f('uq_api_tokens_prefix')),
        sa.CheckConstraint('expires_at > created_at', name=op.f('ck_api_tokens_dates')),
    )
    op.create_index(op.f('ix_api_tokens_user_id'), 'api_tokens', ['user_id'])


def downgrade() -> None:
    for table in (
        'api_tokens', 'refresh_tokens', 'auth_sessions', 'auth_keys', 'sign_in_failures', 'sign_in_states', 'users',
    ):
        op.drop_table(table)
