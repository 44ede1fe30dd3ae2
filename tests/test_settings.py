"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from app import settings
from app.cli.runtime import KEPT_KERNEL_SECONDS, prepare_environment
from app.settings import PROJECT_ROOT, kernel_cache


def test_kernels_of_other_code_are_kept_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PROJECT_ROOT / "app" / "geo", tmp_path / "app" / "geo")
    now = kernel_cache(tmp_path)
    assert now.parent == tmp_path / "numba"
    monkeypatch.setattr(settings, "PROJECT_ROOT", tmp_path)
    assert kernel_cache(tmp_path) == now
    with (tmp_path / "app" / "geo" / "geodesy.py").open("a") as file:
        file.write("# changed\n")
    assert kernel_cache(tmp_path) != now


def test_old_kernels_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_CACHE_DIR", "PYTHONPATH", "SKILLSMAP_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SKILLSMAP_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    now, old, recent = kernel_cache(tmp_path), tmp_path / "numba" / "old", tmp_path / "numba" / "recent"
    long_ago = time.time() - KEPT_KERNEL_SECONDS - 60
    for folder in (now, old, recent):
        folder.mkdir(parents=True)
    for folder in (now, old):
        os.utime(folder, (long_ago, long_ago))
    prepare_environment()
    assert os.environ["NUMBA_CACHE_DIR"] == str(now)
    assert now.is_dir() and recent.is_dir() and not old.exists()
