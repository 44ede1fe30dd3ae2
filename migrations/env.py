"""Alembic environment: the URL comes from the caller (``config.attributes["connection"]``) or DATABASE_URL."""

from __future__ import annotations

import os

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, create_engine

from app.models import Base
from app.models.jobs import QUEUE_TABLES

# tables that PostGIS and the job queue own
FOREIGN_TABLES = {"spatial_ref_sys", *QUEUE_TABLES}


def include_object(obj, name, type_, reflected, compare_to):  # type: ignore[no-untyped-def]
    if type_ == "table" and name in FOREIGN_TABLES:
        return False
    return alembic_helpers.include_object(obj, name, type_, reflected, compare_to)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise SystemExit("DATABASE_URL is not set; ./skillsmap does this for you (./skillsmap db upgrade)")
    with create_engine(url).connect() as connection:
        run(connection)
        connection.commit()
