"""Bring a database to the newest schema, once, whoever asks first."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from app.db.engine import make_engine
from app.errors import DatabaseUnavailable
from app.settings import PROJECT_ROOT

ADVISORY_LOCK = 0x5C_1115_AB  # any constant of our own; migrations of one database wait for one another


def alembic_config() -> Config:
    return Config(str(PROJECT_ROOT / "alembic.ini"))


def head_revision() -> str:
    """The newest revision that this code knows."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def upgrade(target: Engine | str) -> bool:
    """Upgrade to the newest schema in one transaction under an advisory lock; True when something was done.

    Raises DatabaseUnavailable when the database was made by a newer version of this software.
    """
    engine = make_engine(target) if isinstance(target, str) else target
    config = alembic_config()
    scripts = ScriptDirectory.from_config(config)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            current = MigrationContext.configure(connection).get_current_revision()
            if current == scripts.get_current_head():
                return False
            known = {script.revision for script in scripts.walk_revisions()}
            if current is not None and current not in known:
                raise DatabaseUnavailable(
                    f"数据库由更新版本的软件建立(结构版本 {current}),本版本不认识。请升级本软件,或换用另一个数据库。",
                    f"The database was made by a newer version of this software (schema {current}). "
                    "Update the software, or use another database.",
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return True
    finally:
        if isinstance(target, str):
            engine.dispose()
