"""Scenarios that planners keep.

Revision ID: 20261125_30
Revises: 20261125_21
Create Date: 2026-11-25 06:40:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_30'
down_revision = '20261125_21'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('scenarios',
    sa.Column('id', sa.Integer(), sa.Identity(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('shared', sa.Text(), server_default=sa.text("'private'"), nullable=False),
    sa.Column('share_key', sa.Text(), nullable=False),
    sa.Column('question', postgresql.JSONB(), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("shared IN ('private', 'office', 'link')", name=op.f('ck_scenarios_shared')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_scenarios')),
    sa.UniqueConstraint('share_key', name=op.f('uq_scenarios_share_key')),
    )
    op.create_index('ix_scenarios_owner', 'scenarios', ['owner', 'id'], unique=False)
    versioned('scenarios')
    audit('scenarios', kind='scenario', key='id', hidden=['share_key'])


def downgrade() -> None:
    op.drop_table('scenarios')
