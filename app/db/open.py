"""The door to the database: ``DATABASE_URL`` where it is set, the private cluster otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.db.check import check_database
from app.db.embedded import Notify, PrivateCluster, quiet
from app.db.migrate import upgrade
from app.settings import DatabaseSettings, HomeSettings


def given_url() -> str | None:
    """``DATABASE_URL``; an empty one counts as unset."""
    return (DatabaseSettings().database_url or "").strip() or None


@contextmanager
def open_database(*, migrate: bool = True, notify: Notify = quiet) -> Iterator[str]:
    """The URL of a database that answers, has PostGIS and (``migrate``) the newest schema.

    The private cluster is started or joined, and let go at the end of the block. Raises DatabaseUnavailable.
    """
    url = given_url()
    if url is not None:
        check_database(url)
        if migrate:
            upgrade(url)
        yield url
        return
    with PrivateCluster(HomeSettings().home, notify=notify) as private_url:
        if migrate:
            upgrade(private_url)
        yield private_url
