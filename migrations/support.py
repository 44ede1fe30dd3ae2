"""What several migrations attach to their tables: the audit trigger and the row version.

The functions themselves are made by migration 20261125_01.
"""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op


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
