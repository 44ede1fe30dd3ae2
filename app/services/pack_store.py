"""The folders of one home, and which of them belongs to a state of the database.

``keys/KIND-KEY`` is a small file that holds the name of a folder. The key names what the folder was made from (see
``app.services.snapshot``), the folder's name what is in it. Both are only as good as what is found: a pointer to
nothing, or to what does not hold its hash, is as none.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db.processes import FileLock
from app.services.packing import NAME_DIGITS, Contents, Pack, PackBroken, open_pack, write_pack

KEPT_STATES = 4  # of each kind, the one in use included


class PackStore:
    """Packs below ``folder``. To be used under ``locked``: one process at a time looks, writes and removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys = folder / "keys"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until nobody else is at it."""
        self._keys.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "build.lock")
        lock.acquire_exclusive_blocking()
        try:
            yield
        finally:
            lock.release()

    def find(self, kind: str, key: str) -> str | None:
        """The name of the folder that a key points to, None where it points to none; the key then counts as in use."""
        name = self._target(self._pointer(kind, key))
        if name is not None:
            os.utime(self._pointer(kind, key))
        return name

    def open(self, kind: str, key: str) -> Pack:
        """What a key points to, checked. Raises PackBroken."""
        name = self.find(kind, key)
        if name is None:
            raise PackBroken(f"no folder is known for {kind}-{key}")
        return open_pack(self.folder / name)

    def keep(self, kind: str, key: str, contents: Contents) -> Pack:
        """File contents and let the key point to them."""
        folder = write_pack(self.folder, kind, contents)
        pointer = self._pointer(kind, key)
        aside = pointer.with_name(f".{pointer.name}")
        aside.write_text(folder.name, encoding="ascii")
        aside.replace(pointer)
        return open_pack(folder)

    def newest(self, kind: str) -> list[Path]:
        """The folders that keys of a kind point to, those last used first."""
        names = [self._target(pointer) for pointer in self._pointers(kind)]
        return [self.folder / name for name in dict.fromkeys(names) if name is not None]

    def prune(self, kind: str) -> None:
        """Remove all but the states of a kind that were last used, and what was left half-written.

        Other workers may still answer from those of a moment ago: a file that is mapped outlives its name.
        """
        for old in self._pointers(kind)[KEPT_STATES:]:
            old.unlink(missing_ok=True)
        kept = self.newest(kind)
        for path in [*self.folder.glob(f"{kind}-*"), *self.folder.glob(f".{kind}-*")]:
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _pointer(self, kind: str, key: str) -> Path:
        return self._keys / f"{kind}-{key}"

    def _pointers(self, kind: str) -> list[Path]:
        found = [(path.stat().st_mtime_ns, path) for path in self._keys.glob(f"{kind}-*")]
        return [path for _, path in sorted(found, reverse=True)]

    def _target(self, pointer: Path) -> str | None:
        """What a pointer says, if that is the name of a folder of its kind that is there."""
        kind = pointer.name.partition("-")[0]
        try:
            name = pointer.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        is_name = re.fullmatch(rf"{kind}-[0-9a-f]{{{NAME_DIGITS}}}", name)
        return name if is_name and (self.folder / name).is_dir() else None
