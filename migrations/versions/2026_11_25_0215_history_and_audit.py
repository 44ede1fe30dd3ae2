"""The ledger's ground: full station records, their history in two times, the audit log, idempotency keys.

``ledger_moment()`` is one moment for all that a transaction writes into the ledger. It is taken under a lock that is
held until the transaction ends, so that moments have the order of commits: what was known at a moment never changes.

The service connects as the role ``skillsmap_app`` where the migrating role may make it: that role cannot change or
remove what is in ``audit_log`` or ``station_versions``. A trigger refuses it to everybody else, too.

Revision ID: 20261125_01
Revises: 20261124_02
Create Date: 2026-11-25 02:15:00.000000+00:00
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

from migrations.support import audit, versioned

revision = '20261125_01'
down_revision = '20261124_02'
branch_labels = None
depends_on = None

TEXTS = postgresql.ARRAY(sa.Text())
NO_TEXTS = sa.text("'{}'::text[]")


def new_columns() -> list[sa.Column]:
    return [
        sa.Column('batch', sa.Integer(), nullable=True),
        sa.Column('host_organisation', sa.Text(), nullable=True),
        sa.Column('operator_organisation', sa.Text(), nullable=True),
        sa.Column('contractor_organisations', TEXTS, server_default=NO_TEXTS, nullable=False),
        sa.Column('partner_organisations', TEXTS, server_default=NO_TEXTS, nullable=False),
        sa.Column('operating_mode', sa.Text(), nullable=True),
        sa.Column('training_mode', sa.Text(), nullable=True),
        sa.Column('target_groups', TEXTS, server_default=NO_TEXTS, nullable=False),
        sa.Column('opening_hours', sa.Text(), nullable=True),
        sa.Column('hour_exceptions', postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in (
                'phone', 'complaint_channel', 'published_rules', 'published_workflow', 'published_norms',
                'published_services',
            )
        ),
        sa.Column('signage_met', sa.Boolean(), nullable=True),
        sa.Column('signage_evidence', sa.Text(), nullable=True),
        sa.Column('service_met', sa.Boolean(), nullable=True),
        sa.Column('service_evidence', sa.Text(), nullable=True),
        sa.Column('training_met', sa.Boolean(), nullable=True),
        sa.Column('training_evidence', sa.Text(), nullable=True),
        sa.Column('staff_count', sa.Integer(), nullable=True),
        sa.Column('staff_trained_count', sa.Integer(), nullable=True),
        sa.Column('seats', sa.Integer(), nullable=True),
        sa.Column('accessible_entrance', sa.Boolean(), nullable=True),
        sa.Column('notes', sa.Text(), nullable=True),
        sa.Column('valid_from', sa.Date(), nullable=True),
        sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    ]


# the columns of both tables, for the trigger
RECORDED = (
    'code', 'name', 'type', 'host_kind', 'status', 'address', 'selected_on', 'plaque_hung_on', 'opened_on',
    'closed_on', 'district_code', 'town_code', 'source_crs', 'source_lng', 'source_lat', 'geom', 'h3_r7', 'h3_r8',
    'h3_r9', 'h3_r10', 'dataset_id', 'updated_at', *(column.name for column in new_columns()),
)

LEDGER_MOMENT = """
    CREATE FUNCTION ledger_moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
    DECLARE held text := current_setting('skillsmap.moment', true);
    BEGIN
        IF held IS NULL OR held = '' THEN
            PERFORM pg_advisory_xact_lock(6012025);
            held := clock_timestamp()::text;
            PERFORM set_config('skillsmap.moment', held, true);
        END IF;
        RETURN held::timestamptz;
    END $$
"""

ROW_VERSION = """
    CREATE FUNCTION raise_row_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.version := OLD.version;
        NEW.updated_at := OLD.updated_at;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.version := OLD.version + 1;
            NEW.updated_at := ledger_moment();
        END IF;
        RETURN NEW;
    END $$
"""

AUDIT_ROW = """
    CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    DECLARE
        hidden text[] := string_to_array(TG_ARGV[2], ',');
        context jsonb := coalesce(nullif(current_setting('skillsmap.context', true), ''), '{}')::jsonb;
        was jsonb;
        now_is jsonb;
        whole jsonb;
        station text;
        district text;
        town text;
    BEGIN
        IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD) - hidden; END IF;
        IF TG_OP <> 'DELETE' THEN now_is := to_jsonb(NEW) - hidden; END IF;
        whole := coalesce(now_is, was);
        IF TG_OP = 'UPDATE' THEN
            SELECT jsonb_object_agg(k, was->k), jsonb_object_agg(k, now_is->k) INTO was, now_is
            FROM jsonb_object_keys(whole) k
            WHERE was->k IS DISTINCT FROM now_is->k AND k NOT IN ('version', 'updated_at');
            IF now_is IS NULL THEN RETURN NULL; END IF;
        END IF;
        station := coalesce(whole->>'station_code', CASE WHEN TG_ARGV[0] = 'station' THEN whole->>'code' END);
        district := whole->>'district_code';
        town := whole->>'town_code';
        IF district IS NULL AND station IS NOT NULL THEN
            SELECT district_code, town_code INTO district, town FROM stations WHERE code = station;
        END IF;
        IF district IS NULL AND whole ? 'area_code' THEN
            SELECT CASE level WHEN 'district' THEN code ELSE parent_code END, CASE level WHEN 'town' THEN code END
            INTO district, town FROM areas
            WHERE code = whole->>'area_code' AND level IN ('district', 'town');
        END IF;
        INSERT INTO audit_log (
            at, actor, actor_id, role, scope_code, channel, address, request_id, reason, action, kind, key,
            station_code, district_code, town_code, before, after, database_user
        ) VALUES (
            ledger_moment(), coalesce(context->>'actor', session_user), (context->>'actor_id')::int,
            context->>'role', context->>'scope_code', coalesce(context->>'channel', 'database'),
            context->>'address', context->>'request_id', context->>'reason', lower(TG_OP), TG_ARGV[0],
            coalesce(whole->>TG_ARGV[1], ''), station, district, town, was, now_is, session_user
        );
        RETURN NULL;
    END $$
"""

REFUSE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% may not be changed: it is a record of what happened', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
    END $$
"""

# What is known now of the time from NEW.valid_from on is replaced; of the time before, it stays known.
STATION_HISTORY = f"""
    CREATE FUNCTION keep_station_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
    DECLARE
        moment timestamptz := ledger_moment();
        since date;
        held station_versions;
    BEGIN
        IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
        IF TG_OP = 'UPDATE' AND NEW.code = OLD.code THEN since := NEW.valid_from; END IF;
        IF TG_OP <> 'INSERT' THEN
            FOR held IN
                SELECT * FROM station_versions
                WHERE code = OLD.code AND known_to IS NULL
                    AND (since IS NULL OR valid_to IS NULL OR valid_to > since)
            LOOP
                IF held.known_from < moment THEN
                    UPDATE station_versions SET known_to = moment WHERE id = held.id;
                ELSE
                    DELETE FROM station_versions WHERE id = held.id;
                END IF;
                IF since IS NOT NULL AND (held.valid_from IS NULL OR held.valid_from < since) THEN
                    held.id := nextval(pg_get_serial_sequence('station_versions', 'id'));
                    held.valid_to := since;
                    held.known_from := moment;
                    held.known_to := NULL;
                    INSERT INTO station_versions SELECT held.*;
                END IF;
            END LOOP;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO station_versions ({', '.join(RECORDED)}, known_from)
            VALUES ({', '.join(f'NEW.{name}' for name in RECORDED)}, moment);
        END IF;
        RETURN NULL;
    END $$
"""

APP_ROLE = """
    DO $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            CREATE ROLE skillsmap_app NOLOGIN;
        END IF;
        IF NOT pg_has_role(current_user, 'skillsmap_app', 'MEMBER') THEN
            EXECUTE format('GRANT skillsmap_app TO %I', current_user);
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'the role skillsmap_app could not be made: the service keeps the role of DATABASE_URL';
        WHEN duplicate_object OR unique_violation THEN NULL;  -- made for another database of this server just now
    END $$
"""

GRANTS = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO skillsmap_app', current_schema());
            EXECUTE format(
                'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO skillsmap_app', current_schema()
            );
            EXECUTE format(
                'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO skillsmap_app',
                current_schema()
            );
            REVOKE UPDATE, DELETE ON audit_log FROM skillsmap_app;
            REVOKE INSERT, UPDATE, DELETE ON station_versions FROM skillsmap_app;
            REVOKE DELETE ON stations FROM skillsmap_app;
        END IF;
    END $$
"""

NO_GRANTS = """
    DO $$
    BEGIN
        IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'skillsmap_app') THEN
            EXECUTE format(
                'ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES '
                'FROM skillsmap_app', current_schema()
            );
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM skillsmap_app', current_schema());
            EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM skillsmap_app', current_schema());
        END IF;
    END $$
"""


def upgrade() -> None:
    for column in new_columns():
        op.add_column('stations', column)
    op.create_check_constraint('batch', 'stations', 'batch BETWEEN 1 AND 3')
    op.create_check_constraint(
        'counts', 'stations', 'seats >= 0 AND staff_count >= 0 AND staff_trained_count >= 0'
    )
    op.create_check_constraint('staff_trained', 'stations', 'staff_trained_count <= staff_count')
    create_station_versions()
    create_organisations()
    create_audit()
    for function in (LEDGER_MOMENT, ROW_VERSION, AUDIT_ROW, REFUSE, STATION_HISTORY):
        op.execute(function)
    op.execute(f"""
        INSERT INTO station_versions ({', '.join(RECORDED)}, known_from)
        SELECT {', '.join(RECORDED)}, updated_at FROM stations
    """)
    for table in ('stations', 'organisations', 'pairings'):
        versioned(table)
    audit('stations', kind='station', key='code')
    audit('organisations', kind='organisation', key='name')
    audit('pairings', kind='pairing', key='id')
    op.execute("""
        CREATE TRIGGER stations_history AFTER INSERT OR UPDATE OR DELETE ON stations
        FOR EACH ROW EXECUTE FUNCTION keep_station_history()
    """)
    op.execute("""
        CREATE TRIGGER stations_keep BEFORE TRUNCATE ON stations
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute("""
        CREATE TRIGGER audit_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """)
    op.execute(APP_ROLE)
    op.execute(GRANTS)


def create_station_versions() -> None:
    op.create_geospatial_table(
        'station_versions',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=nullable)
            for name, nullable in (
                ('code', False), ('name', False), ('type', False), ('host_kind', False), ('status', False),
                ('address', True), ('district_code', True), ('town_code', True), ('source_crs', False),
            )
        ),
        *(sa.Column(name, sa.Date(), nullable=True) for name in (
            'selected_on', 'plaque_hung_on', 'opened_on', 'closed_on', 'valid_to',
        )),
        sa.Column('source_lng', sa.Double(), nullable=False),
        sa.Column('source_lat', sa.Double(), nullable=False),
        sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        *(sa.Column(f'h3_r{r}', sa.BigInteger(), nullable=False) for r in (7, 8, 9, 10)),
        sa.Column('dataset_id', sa.Integer(), nullable=False),
        sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        *new_columns(),
        sa.Column('known_from', sa.DateTime(timezone=True), nullable=False),
        sa.Column('known_to', sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_station_versions')),
        sa.CheckConstraint('known_to > known_from', name=op.f('ck_station_versions_known')),
        sa.CheckConstraint('valid_to > valid_from', name=op.f('ck_station_versions_valid')),
    )
    op.create_index('ix_station_versions_code', 'station_versions', ['code', 'known_from'])
    op.create_index(
        'ix_station_versions_known', 'station_versions', ['code'], postgresql_where=sa.text('known_to IS NULL')
    )


def create_organisations() -> None:
    def row_state() -> list[sa.Column]:
        return [
            sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
            sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        ]

    op.create_table(
        'organisations',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), server_default='other', nullable=False),
        sa.Column('credit_code', sa.Text(), nullable=True),
        sa.Column('contact', sa.Text(), nullable=True),
        sa.Column('phone', sa.Text(), nullable=True),
        *row_state(),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_organisations')),
        sa.UniqueConstraint('name', name=op.f('uq_organisations_name')),
        sa.UniqueConstraint('credit_code', name=op.f('uq_organisations_credit_code')),
    )
    op.create_table(
        'pairings',
        sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=False),
        sa.Column('organisation_id', sa.Integer(), nullable=False),
        sa.Column('mode', sa.Text(), nullable=False),
        sa.Column('agreement', sa.Text(), nullable=True),
        sa.Column('projects', sa.Text(), nullable=True),
        sa.Column('signed_on', sa.Date(), nullable=True),
        sa.Column('ends_on', sa.Date(), nullable=True),
        *row_state(),
        sa.ForeignKeyConstraint(['station_code'], ['stations.code'], name=op.f('fk_pairings_station_code')),
        sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_pairings_organisation_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pairings')),
        sa.CheckConstraint('ends_on >= signed_on', name=op.f('ck_pairings_dates')),
    )
    op.create_index(op.f('ix_pairings_station_code'), 'pairings', ['station_code'])
    op.create_index(op.f('ix_pairings_organisation_id'), 'pairings', ['organisation_id'])


def create_audit() -> None:
    op.create_table(
        'audit_log',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('actor', sa.Text(), nullable=False),
        sa.Column('actor_id', sa.Integer(), nullable=True),
        sa.Column('role', sa.Text(), nullable=True),
        sa.Column('scope_code', sa.Text(), nullable=True),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=True),
        sa.Column('request_id', sa.Text(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('station_code', sa.Text(), nullable=True),
        sa.Column('district_code', sa.Text(), nullable=True),
        sa.Column('town_code', sa.Text(), nullable=True),
        sa.Column('before', postgresql.JSONB(), nullable=True),
        sa.Column('after', postgresql.JSONB(), nullable=True),
        sa.Column('database_user', sa.Text(), server_default=sa.text('SESSION_USER'), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_log')),
    )
    op.create_index('ix_audit_log_at', 'audit_log', ['at', 'id'])
    op.create_index('ix_audit_log_subject', 'audit_log', ['kind', 'key', 'id'])
    op.create_index('ix_audit_log_actor', 'audit_log', ['actor', 'id'])
    op.create_index('ix_audit_log_station_code', 'audit_log', ['station_code', 'id'])
    op.create_table(
        'answered_requests',
        sa.Column('asker', sa.Text(), nullable=False),
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('request_sha256', sa.Text(), nullable=False),
        sa.Column('status', sa.Integer(), nullable=True),
        sa.Column('media_type', sa.Text(), nullable=True),
        sa.Column('body', sa.LargeBinary(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('asker', 'key', name=op.f('pk_answered_requests')),
    )
    op.create_index(op.f('ix_answered_requests_created_at'), 'answered_requests', ['created_at'])


def downgrade() -> None:
    op.execute(NO_GRANTS)
    for trigger in ('stations_keep', 'stations_history', 'stations_audit', 'stations_version'):
        op.execute(f"DROP TRIGGER {trigger} ON stations")
    op.drop_table('answered_requests')
    op.drop_table('pairings')
    op.drop_table('organisations')
    op.drop_table('audit_log')
    for function in ('keep_station_history', 'audit_row', 'raise_row_version', 'refuse_change', 'ledger_moment'):
        op.execute(f"DROP FUNCTION {function}()")
    op.drop_geospatial_table('station_versions')
    for name in ('staff_trained', 'counts', 'batch'):
        op.drop_constraint(op.f(f'ck_stations_{name}'), 'stations', type_='check')
    for column in reversed(new_columns()):
        op.drop_column('stations', column.name)
