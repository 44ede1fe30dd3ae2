"""Codes that a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from app.errors import ErrorItem


def unknown_code(
    field: str, code: str, known: Sequence[str], what_zh: str, what_en: str, otherwise_zh: str, otherwise_en: str
) -> ErrorItem:
    """An item for a code that is not there, with up to three that look like it, or else where to find the codes."""
    close = difflib.get_close_matches(code, known, n=3, cutoff=0.6)
    return ErrorItem(
        field, f"未知的{what_zh}代码", f"unknown {what_en} code", value=code,
        remedy_zh=f"相近的代码:{'、'.join(close)}" if close else otherwise_zh,
        remedy_en=f"close to it: {', '.join(close)}" if close else otherwise_en,
    )  # fmt: skip
