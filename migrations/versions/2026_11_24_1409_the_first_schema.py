"""The first schema: areas, datasets, stations, walking network, population, coverage runs.

Statement triggers on the data tables raise ``layer_versions`` and NOTIFY ``skillsmap_changed`` with the layer's
name, so that every worker learns of a change however it was made.

Revision ID: 20261124_01
Revises: 
Create Date: 2026-11-24 14:09:34.625695+00:00
"""

from __future__ import annotations

import geoalchemy2
import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = '20261124_01'
down_revision = None
branch_labels = None
depends_on = None

# table -> the layer whose version a change to it raises
LAYERS = {
    "areas": "boundaries",
    "walk_edges": "network",
    "walk_nodes": "network",
    "population_cells": "population",
    "stations": "stations",
    "datasets": "datasets",
}


def upgrade() -> None:
    op.create_table('coverage_runs',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('method_version', sa.Text(), nullable=False),
    sa.Column('minutes', sa.Double(), nullable=False),
    sa.Column('profile', sa.Text(), nullable=False),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('inputs', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('synthetic', sa.Boolean(), nullable=False),
    sa.Column('results_sha256', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_coverage_runs'))
    )
    op.create_table('database_identity',
    sa.Column('id', sa.Uuid(as_uuid=False), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_database_identity'))
    )
    op.create_table('datasets',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('licence', sa.Text(), nullable=False),
    sa.Column('vintage', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('synthetic', sa.Boolean(), nullable=False),
    sa.Column('is_current', sa.Boolean(), nullable=False),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('report', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('imported_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_datasets'))
    )
    op.create_index('ix_datasets_kind_is_current', 'datasets', ['kind', 'is_current'], unique=False)
    op.create_table('layer_versions',
    sa.Column('layer', sa.Text(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('layer', name=op.f('pk_layer_versions'))
    )
    op.create_geospatial_table('walk_edges',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('source_id', sa.BigInteger(), nullable=False),
    sa.Column('target_id', sa.BigInteger(), nullable=False),
    sa.Column('length_m', sa.Double(), nullable=False),
    sa.Column('way_id', sa.BigInteger(), nullable=True),
    sa.Column('highway', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('has_steps', sa.Boolean(), nullable=False),
    sa.Column('is_bridge', sa.Boolean(), nullable=False),
    sa.Column('is_tunnel', sa.Boolean(), nullable=False),
    sa.Column('has_frontage', sa.Boolean(), nullable=False),
    sa.Column('geom', Geometry(geometry_type='LINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_walk_edges'))
    )
    op.create_geospatial_index('idx_walk_edges_geom', 'walk_edges', ['geom'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_geospatial_table('walk_nodes',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('component', sa.Integer(), nullable=False),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_walk_nodes'))
    )
    op.create_geospatial_table('areas',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('parent_code', sa.Text(), nullable=True),
    sa.Column('boundary_kind', sa.Text(), nullable=False),
    sa.Column('area_km2', sa.Double(), nullable=False),
    sa.Column('label_lng', sa.Double(), nullable=False),
    sa.Column('label_lat', sa.Double(), nullable=False),
    sa.Column('geom', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['datasets.id'], name=op.f('fk_areas_dataset_id')),
    sa.ForeignKeyConstraint(['parent_code'], ['areas.code'], name=op.f('fk_areas_parent_code'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_areas'))
    )
    op.create_geospatial_index('idx_areas_geom', 'areas', ['geom'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_index(op.f('ix_areas_dataset_id'), 'areas', ['dataset_id'], unique=False)
    op.create_index(op.f('ix_areas_level'), 'areas', ['level'], unique=False)
    op.create_index(op.f('ix_areas_parent_code'), 'areas', ['parent_code'], unique=False)
    op.create_table('coverage_area_results',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('area_code', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('population', sa.BigInteger(), nullable=False),
    sa.Column('covered', sa.BigInteger(), nullable=False),
    sa.Column('uncovered', sa.BigInteger(), nullable=False),
    sa.Column('off_network', sa.BigInteger(), nullable=False),
    sa.Column('rate', sa.Double(), nullable=True),
    sa.Column('median_walk_minutes', sa.Double(), nullable=True),
    sa.Column('stations', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['coverage_runs.id'], name=op.f('fk_coverage_area_results_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'area_code', name=op.f('pk_coverage_area_results'))
    )
    op.create_table('coverage_cell_results',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('cell', sa.BigInteger(), nullable=False),
    sa.Column('population', sa.Double(), nullable=False),
    sa.Column('covered', sa.Double(), nullable=False),
    sa.Column('uncovered', sa.Double(), nullable=False),
    sa.Column('off_network', sa.Double(), nullable=False),
    sa.Column('nearest_station', sa.Text(), nullable=True),
    sa.Column('nearest_minutes', sa.Double(), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['coverage_runs.id'], name=op.f('fk_coverage_cell_results_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'cell', name=op.f('pk_coverage_cell_results'))
    )
    op.create_table('population_cells',
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.Column('cell', sa.BigInteger(), nullable=False),
    sa.Column('people', sa.Double(), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['datasets.id'], name=op.f('fk_population_cells_dataset_id')),
    sa.PrimaryKeyConstraint('dataset_id', 'cell', name=op.f('pk_population_cells'))
    )
    op.create_geospatial_table('stations',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('host_kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('selected_on', sa.Date(), nullable=True),
    sa.Column('plaque_hung_on', sa.Date(), nullable=True),
    sa.Column('opened_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('district_code', sa.Text(), nullable=True),
    sa.Column('town_code', sa.Text(), nullable=True),
    sa.Column('source_crs', sa.Text(), nullable=False),
    sa.Column('source_lng', sa.Double(), nullable=False),
    sa.Column('source_lat', sa.Double(), nullable=False),
    sa.Column('geom', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
    sa.Column('h3_r7', sa.BigInteger(), nullable=False),
    sa.Column('h3_r8', sa.BigInteger(), nullable=False),
    sa.Column('h3_r9', sa.BigInteger(), nullable=False),
    sa.Column('h3_r10', sa.BigInteger(), nullable=False),
    sa.Column('dataset_id', sa.Integer(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['dataset_id'], ['datasets.id'], name=op.f('fk_stations_dataset_id')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_stations'))
    )
    op.create_geospatial_index('idx_stations_geom', 'stations', ['geom'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_index(op.f('ix_stations_dataset_id'), 'stations', ['dataset_id'], unique=False)
    op.create_index(op.f('ix_stations_district_code'), 'stations', ['district_code'], unique=False)
    op.create_index(op.f('ix_stations_h3_r10'), 'stations', ['h3_r10'], unique=False)
    op.create_index(op.f('ix_stations_h3_r7'), 'stations', ['h3_r7'], unique=False)
    op.create_index(op.f('ix_stations_h3_r8'), 'stations', ['h3_r8'], unique=False)
    op.create_index(op.f('ix_stations_h3_r9'), 'stations', ['h3_r9'], unique=False)
    op.create_index(op.f('ix_stations_status'), 'stations', ['status'], unique=False)
    op.create_index(op.f('ix_stations_town_code'), 'stations', ['town_code'], unique=False)
    op.create_index(op.f('ix_stations_type'), 'stations', ['type'], unique=False)
    op.execute("INSERT INTO database_identity (id) VALUES (gen_random_uuid())")
    op.execute("""
        CREATE FUNCTION raise_layer_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO layer_versions (layer, version, changed_at) VALUES (TG_ARGV[0], 1, now())
            ON CONFLICT (layer) DO UPDATE SET version = layer_versions.version + 1, changed_at = now();
            PERFORM pg_notify('skillsmap_changed', TG_ARGV[0]);
            RETURN NULL;
        END $$
    """)
    for table, layer in LAYERS.items():
        op.execute(f"""
            CREATE TRIGGER {table}_raise_layer_version
            AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION raise_layer_version('{layer}')
        """)



def downgrade() -> None:
    for table in LAYERS:
        op.execute(f"DROP TRIGGER {table}_raise_layer_version ON {table}")
    op.execute("DROP FUNCTION raise_layer_version()")
    op.drop_index(op.f('ix_stations_type'), table_name='stations')
    op.drop_index(op.f('ix_stations_town_code'), table_name='stations')
    op.drop_index(op.f('ix_stations_status'), table_name='stations')
    op.drop_index(op.f('ix_stations_h3_r9'), table_name='stations')
    op.drop_index(op.f('ix_stations_h3_r8'), table_name='stations')
    op.drop_index(op.f('ix_stations_h3_r7'), table_name='stations')
    op.drop_index(op.f('ix_stations_h3_r10'), table_name='stations')
    op.drop_index(op.f('ix_stations_district_code'), table_name='stations')
    op.drop_index(op.f('ix_stations_dataset_id'), table_name='stations')
    op.drop_geospatial_index('idx_stations_geom', table_name='stations', postgresql_using='gist', column_name='geom')
    op.drop_geospatial_table('stations')
    op.drop_table('population_cells')
    op.drop_table('coverage_cell_results')
    op.drop_table('coverage_area_results')
    op.drop_index(op.f('ix_areas_parent_code'), table_name='areas')
    op.drop_index(op.f('ix_areas_level'), table_name='areas')
    op.drop_index(op.f('ix_areas_dataset_id'), table_name='areas')
    op.drop_geospatial_index('idx_areas_geom', table_name='areas', postgresql_using='gist', column_name='geom')
    op.drop_geospatial_table('areas')
    op.drop_geospatial_table('walk_nodes')
    op.drop_geospatial_index('idx_walk_edges_geom', table_name='walk_edges', postgresql_using='gist', column_name='geom')
    op.drop_geospatial_table('walk_edges')
    op.drop_table('layer_versions')
    op.drop_index('ix_datasets_kind_is_current', table_name='datasets')
    op.drop_table('datasets')
    op.drop_table('database_identity')
    op.drop_table('coverage_runs')
