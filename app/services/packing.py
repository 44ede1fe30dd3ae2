"""Immutable dataclasses of arrays as a folder of files, named by what is in it and mapped into memory when read.

A folder holds one ``.npy`` file an array and ``manifest.json`` with the SHA-256 of each; its name ends in the hash of
the manifest. So a name says every byte: the same content has the same name wherever it came from and is written once,
and a folder that is not what its name says is not read. It is written aside and renamed, so a half-written one is never
seen. Nothing is forced to the disk: what a loss of power leaves behind is found out by its hash, and made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast, get_origin, get_type_hints

import numpy as np

from app.geo.arrays import AnyArray

FORMAT = 3
MANIFEST = "manifest.json"
NAME_DIGITS = 32  # of the manifest's SHA-256: 128 bits
SMALLEST_MAP_BYTES = 128  # a header alone: an array of nothing cannot be mapped
Packed = TypeVar("Packed")
Item = TypeVar("Item")
Result = TypeVar("Result")


class PackBroken(RuntimeError):
    """The folder is not what it says it is: to be made anew."""


@dataclass(frozen=True)
class Contents:
    """What goes into a folder: dataclasses by name, and facts (JSON)."""

    parts: dict[str, Any]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Pack:
    """A folder of which every file was found to be as its name says."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.manifest["facts"])

    def part(self, name: str, kind: type[Packed]) -> Packed:
        """One dataclass, its arrays mapped copy-on-write. Raises PackBroken where the folder has none such."""
        return cast(Packed, self.read_by(lambda pack: pack._read(name, kind)))

    def read_by(self, read: Callable[[Pack], Result]) -> Result:
        """What ``read`` makes of the folder. Raises PackBroken where it looks for what is not there."""
        try:
            return read(self)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise PackBroken(f"{self.name}: {type(fault).__name__} {fault}") from fault

    def _read(self, name: str, kind: Any) -> Any:
        if is_dataclass(kind) and isinstance(kind, type):
            hints = get_type_hints(kind)
            return kind(**{f.name: self._read(f"{name}.{f.name}", hints[f.name]) for f in fields(kind)})
        if name in self.manifest["arrays"]:
            path = self.folder / f"{name}.npy"
            if path.stat().st_size <= SMALLEST_MAP_BYTES or np.load(path, mmap_mode="r").size == 0:
                return np.load(path)
            # copy-on-write: pages are shared by all workers, and the kernels see ordinary (not read-only) arrays
            return np.asarray(np.load(path, mmap_mode="c"))
        value = self.manifest["values"][name]
        return tuple(value) if get_origin(kind) is tuple else value


def write_pack(parent: Path, kind: str, contents: Contents) -> Path:
    """The folder ``kind-HASH`` of these contents in ``parent``; written only where it is not there, whole, already."""
    arrays: dict[str, AnyArray] = {}
    values: dict[str, Any] = {}
    for name, part in contents.parts.items():
        _flatten(name, part, arrays, values)
    hashes = dict(zip(arrays, _in_threads(_array_hash, arrays.values()), strict=True))
    manifest = {"format": FORMAT, "facts": contents.facts, "arrays": hashes, "values": values}
    text = json.dumps(manifest, ensure_ascii=False, sort_keys=True).encode()
    folder = parent / f"{kind}-{_name_hash(text)}"
    try:
        open_pack(folder)
    except PackBroken:
        _write(folder, arrays, text)
    return folder


def open_pack(folder: Path) -> Pack:
    """A folder after a look at every byte of it. Raises PackBroken when any file is not as written."""
    manifest = _manifest(folder)
    try:
        names = list(manifest["arrays"])
        found = _in_threads(_file_hash, [folder / f"{name}.npy" for name in names])
    except OSError as fault:
        raise PackBroken(f"{folder.name}: {fault}") from fault
    for name, digest in zip(names, found, strict=True):
        if digest != manifest["arrays"][name]:
            raise PackBroken(f"{folder.name}: {name}.npy is not as it was written")
    return Pack(folder, manifest)


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts of a folder, without a look at its arrays. Raises PackBroken."""
    return dict(_manifest(folder)["facts"])


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
        text = (folder / MANIFEST).read_bytes()
    except OSError as fault:
        raise PackBroken(f"{folder.name}: {fault}") from fault
    if not folder.name.endswith(f"-{_name_hash(text)}"):
        raise PackBroken(f"{folder.name}: its manifest is not as it was written")
    try:
        manifest = json.loads(text)
    except ValueError as fault:
        raise PackBroken(f"{folder.name}: {fault}") from fault
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise PackBroken(f"{folder.name}: of another format")
    if not all(isinstance(manifest.get(part), dict) for part in ("facts", "arrays", "values")):
        raise PackBroken(f"{folder.name}: its manifest is not whole")
    return manifest


def _flatten(name: str, value: Any, arrays: dict[str, AnyArray], values: dict[str, Any]) -> None:
    if is_dataclass(value):
        for field in fields(value):
            _flatten(f"{name}.{field.name}", getattr(value, field.name), arrays, values)
    elif isinstance(value, np.ndarray):
        arrays[name] = np.ascontiguousarray(value)
    else:
        values[name] = list(value) if isinstance(value, tuple) else value


def _write(folder: Path, arrays: dict[str, AnyArray], manifest: bytes) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, array in arrays.items():
            with (aside / f"{name}.npy").open("wb") as file:
                np.save(file, array)
        (aside / MANIFEST).write_bytes(manifest)
        aside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _name_hash(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:NAME_DIGITS]


def _array_hash(array: AnyArray) -> str:
    """The hash of the file that ``np.save`` makes of an array, without the file."""
    digest = hashlib.sha256()
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    digest.update(header.getbuffer())
    digest.update(array.data)
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_threads(action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Hashing lets other threads run: as many files at once as there are processors."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(action, items))
