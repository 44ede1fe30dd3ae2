"""What a question may become while it is typed, and what is near in spelling where nothing was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.services.search import Asked, Found, search_directly, search_forgivingly
from app.services.search_forms import WordHits
from app.services.search_index import SearchIndex
from app.services.search_reading import checked_words
from app.services.search_text import squeezed
from app.services.snapshot import Snapshot

NEAR_MOST, NEAR_LEAST = 3, 40.0  # suggestions, and how alike they have to be of 100


@dataclass(frozen=True)
class Suggestion:
    """A text to search for. ``kind`` is station, course, skill or address; ``code`` that of the station."""

    text: str
    kind: str
    code: str | None = None


def suggestions(snapshot: Snapshot, index: SearchIndex, text: str, limit: int, now_s: int) -> list[Suggestion]:
    """The texts that hold what is typed, the best first, skills before stations, courses and addresses among equals;
    where no single text does, the things that hold all the words. Raises InvalidInput (see ``checked_words``).
    """
    words = checked_words(text)
    hits = index.texts.direct("".join(words))
    if hits.any:
        return _distinct(sorted(_ranked(snapshot, index, hits, limit), key=lambda pair: pair[0]), limit)
    asked = Asked(now_s, limit)
    found = search_directly(snapshot, index, words, asked) or search_forgivingly(snapshot, index, words, asked)
    return _of_things(snapshot, found)[:limit]


def near_in_spelling(index: SearchIndex, words: list[str]) -> list[str]:
    """Where nothing was found: the words, where each of several is found alone; else names of skills, stations,
    courses and areas that are most like them. At most NEAR_MOST.
    """
    if len(words) > 1 and all(index.texts.direct(word).any for word in words):
        return words[:NEAR_MOST]
    from rapidfuzz import fuzz, process

    found = process.extract(
        "".join(words), index.named[1], scorer=fuzz.ratio, processor=None, limit=NEAR_MOST, score_cutoff=NEAR_LEAST
    )
    return [index.texts.texts[index.named[0][at]] for _, _, at in found]


def _ranked(
    snapshot: Snapshot, index: SearchIndex, hits: WordHits, limit: int
) -> Iterator[tuple[tuple[int, int, int, str], Suggestion]]:
    """Suggestions of every kind, each with what it is sorted by; of a kind those that may be among the first."""
    stations, texts = snapshot.stations.table.stations, index.texts
    for order, (kind, fields, name) in enumerate(
        (
            ("skill", index.skills, "skill"), ("station", index.stations, "name"), ("course", index.courses, "title"),
            ("address", index.stations, "address"),
        )
    ):  # fmt: skip
        numbers = fields.text[:, fields.names.index(name)]
        things = np.flatnonzero(hits.grade[numbers])
        if fields is index.stations:
            things = things[~index.is_closed[things]]
        distinct, first = np.unique(numbers[things], return_index=True)
        rank = np.lexsort((distinct, texts.lengths[distinct], -hits.grade[distinct].astype(np.int64)))[: limit * 4]
        for number, thing in zip(distinct[rank].tolist(), things[first[rank]].tolist(), strict=True):
            text = texts.texts[number]
            code = stations[thing].code if fields is index.stations else None
            yield (-int(hits.grade[number]), order, len(text), text), Suggestion(text, kind, code)


def _distinct(ranked: list[tuple[tuple[int, int, int, str], Suggestion]], limit: int) -> list[Suggestion]:
    """The first so many, each text once."""
    found: dict[str, Suggestion] = {}
    for _, one in ranked:
        found.setdefault(squeezed(one.text), one)
        if len(found) == limit:
            break
    return list(found.values())


def _of_things(snapshot: Snapshot, found: Found) -> list[Suggestion]:
    stations = snapshot.stations.table.stations
    named = [Suggestion(one.skill, "skill") for one in found.skills]
    named += [Suggestion(stations[s.number].name, "station", stations[s.number].code) for s in found.stations]
    named += [Suggestion(snapshot.offer.courses[one.course].title, "course") for one in found.courses]
    return list({one.text: one for one in named}.values())
