"""What several migrations attach to their tables: the audit trigger and the row version; and the job queue's schema.

The functions of the triggers are made by migration 20261125_01.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager


def audit(table: str, *, kind: str, key: str, hidden: Sequence[str] = ()) -> None:
    """Every row that is added, changed or removed leaves an entry in ``audit_log``.

    ``kind`` names the subject there, ``key`` is the column that names the row; ``hidden`` columns are never copied.
    """
    op.execute(f"""
        CREATE TRIGGER {table}_audit AFTER INSERT OR UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION audit_row('{kind}', '{key}', '{",".join(hidden)}')
    """)


def versioned(table: str) -> None:
    """``version`` is raised and ``updated_at`` set by every change; the table needs both columns."""
    op.execute(f"""
        CREATE TRIGGER {table}_version BEFORE UPDATE ON {table}
        FOR EACH ROW EXECUTE FUNCTION raise_row_version()
    """)


def install_job_queue() -> None:
    """Make the tables and functions of procrastinate, the library of the job queue, and note which schema they have.

    Its migrations cannot be replayed inside of one transaction (they add values to an enum and use them), so its whole
    schema is taken from the installed package. A later migration of ours that follows the library applies those of its
    files that come after the one noted on ``procrastinate_jobs``.
    """
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(SchemaManager.get_schema())
    op.execute(f"COMMENT ON TABLE procrastinate_jobs IS 'schema {newest_queue_schema()}'")


def newest_queue_schema() -> str:
    """Name of the newest schema change that the installed procrastinate brings."""
    return max(path.stem for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def drop_job_queue() -> None:
    """Undo ``install_job_queue``."""
    op.execute("""
        DO $$
        DECLARE held record;
        BEGIN
            FOR held IN
                SELECT oid::regclass AS name FROM pg_class
                WHERE relname LIKE 'procrastinate\\_%' AND relkind = 'r'
                    AND relnamespace = current_schema()::regnamespace
            LOOP
                EXECUTE format('DROP TABLE %s CASCADE', held.name);
            END LOOP;
            FOR held IN
                SELECT oid::regprocedure AS name FROM pg_proc
                WHERE proname LIKE 'procrastinate\\_%' AND pronamespace = current_schema()::regnamespace
            LOOP
                EXECUTE format('DROP FUNCTION %s CASCADE', held.name);
            END LOOP;
            FOR held IN
                SELECT oid::regtype AS name FROM pg_type
                WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c')
                    AND typnamespace = current_schema()::regnamespace
            LOOP
                EXECUTE format('DROP TYPE %s CASCADE', held.name);
            END LOOP;
        END $$
    """)
