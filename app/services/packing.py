"""Immutable dataclasses of arrays as a folder of files, mapped into memory when read.

A folder holds one ``.npy`` file an array and ``manifest.json`` with the hash of each. It is written aside and renamed,
so a half-written one is never seen; every file is checked against its hash before it is trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_origin, get_type_hints

import numpy as np

FORMAT = 1
Packed = TypeVar("Packed")


class PackBroken(Exception):
    """The folder is not what it says it is: to be made anew."""


def write_folder(folder: Path, parts: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write dataclasses by name, and facts (JSON), to a folder that appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        manifest: dict[str, Any] = {"format": FORMAT, "facts": facts, "arrays": {}, "values": {}}
        for name, part in parts.items():
            _write(aside, name, part, manifest)
        text = json.dumps(manifest, ensure_ascii=False, sort_keys=True)
        (aside / "manifest.json").write_text(text, encoding="utf-8")
        aside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of a folder. Raises PackBroken."""
    return dict(_manifest(folder)["facts"])


def read_part(folder: Path, name: str, kind: type[Packed]) -> Packed:
    """One dataclass of a folder, its arrays mapped copy-on-write. Raises PackBroken when any file is not as written."""
    manifest = _manifest(folder)
    try:
        return cast(Packed, _read(folder, name, kind, manifest))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise PackBroken(f"{folder.name}: {fault}") from fault


def content_hash(part: Any) -> str:
    """A hash over all values of a dataclass, the same for the same content on every machine."""
    digest = hashlib.sha256()
    _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if is_dataclass(value):
        for field in fields(value):
            digest.update(field.name.encode())
            _feed(digest, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    else:
        digest.update(json.dumps(value, ensure_ascii=False, default=str).encode())


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise PackBroken(f"{folder.name}: {fault}") from fault
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PackBroken(f"{folder.name}: of another format")
    if not all(isinstance(manifest.get(part), dict) for part in ("facts", "arrays", "values")):
        raise PackBroken(f"{folder.name}: its manifest is not whole")
    return manifest


def _write(folder: Path, name: str, value: Any, manifest: dict[str, Any]) -> None:
    if is_dataclass(value):
        for field in fields(value):
            _write(folder, f"{name}.{field.name}", getattr(value, field.name), manifest)
    elif isinstance(value, np.ndarray):
        path = folder / f"{name}.npy"
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(value))
            file.flush()
            os.fsync(file.fileno())
        manifest["arrays"][name] = _file_hash(path)
    else:
        manifest["values"][name] = list(value) if isinstance(value, tuple) else value


def _read(folder: Path, name: str, kind: Any, manifest: dict[str, Any]) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{f.name: _read(folder, f"{name}.{f.name}", hints[f.name], manifest) for f in fields(kind)})
    if name in manifest["arrays"]:
        path = folder / f"{name}.npy"
        if _file_hash(path) != manifest["arrays"][name]:
            raise ValueError(f"{path.name} is not as it was written")
        if path.stat().st_size <= 128 or np.load(path, mmap_mode="r").size == 0:
            return np.load(path)
        # copy-on-write: pages are shared by all workers, and the kernels see ordinary (not read-only) arrays
        return np.asarray(np.load(path, mmap_mode="c"))
    value = manifest["values"][name]
    return tuple(value) if get_origin(kind) is tuple else value


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
