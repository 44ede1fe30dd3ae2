"""COPY in and out: the fast way for whole tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import sql
from sqlalchemy.orm import Session

CHUNK_ROWS = 20_000


def cursor_of(session: Session) -> psycopg.Cursor[Any]:
    """A psycopg cursor inside the session's transaction."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw.cursor()


def copy_in(session: Session, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Write rows by COPY; the number written. Values are adapted by psycopg, geometries are hex EWKB texts."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with cursor_of(session) as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def copy_out(session: Session, query: LiteralString, types: dict[str, pa.DataType]) -> pa.Table:
    """The rows of a query as an Arrow table; ``types`` names its columns in order. Empty text and NULL differ."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)").format(sql.SQL(query))
    parts: list[bytes] = []
    with cursor_of(session) as cursor, cursor.copy(statement) as copy:
        parts.extend(bytes(block) for block in copy)
    if not parts:
        return pa.table({name: pa.array([], type=kind) for name, kind in types.items()})
    return pacsv.read_csv(
        pa.BufferReader(b"".join(parts)),
        read_options=pacsv.ReadOptions(column_names=list(types), block_size=1 << 24),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            true_values=["t"],
            false_values=["f"],
            null_values=[""],
            quoted_strings_can_be_null=False,
            strings_can_be_null=True,
        ),
    )
