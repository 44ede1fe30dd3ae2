"""Distinct texts, found by what is typed: as it is written, by pinyin, by initials, and with typing errors.

Every form of all texts is one long string that is scanned at the speed of ``str.find``; where a hit lies tells the text
(bisection). Half a megabyte is scanned in less than a tenth of a millisecond, and unlike with n-grams one character is
as good a question as ten. Typing errors are looked for only by what was not found otherwise (rapidfuzz).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.services.bounded import BoundedCache
from app.services.search_text import blurred, is_chinese, is_latin, readings, segmentations, squeezed

Uint8Array = npt.NDArray[np.uint8]
END, BEFORE = "\n", "'"  # between texts, before syllables; neither is a letter
WORDS_KEPT = 1_024
FEWEST_LATIN, FEWEST_CHINESE = 4, 3  # letters; with fewer, one error leaves too little to go by
LATIN_TWO_ERRORS, CHINESE_TWO_ERRORS = 10, 8  # in words as long as this; one error in shorter ones


class How(IntEnum):
    """How a text was found, the better the higher."""

    NONE = 0
    FUZZY = 1
    INITIALS = 2
    PINYIN = 3
    EXACT = 4


class Place(IntEnum):
    """Where in the text."""

    INSIDE = 1
    BEGINNING = 2
    WHOLE = 3


GRADES = 4 * (max(How) + 1)


class WordHits(NamedTuple):
    """``grade`` of every text: 4 · How + Place, 0 where it was not found."""

    grade: Uint8Array
    how: How

    @property
    def any(self) -> bool:
        return self.how is not How.NONE


class Spot(NamedTuple):
    """A hit: the first one in a piece, and whether it ends where a syllable ends."""

    text: int
    place: Place
    is_complete: bool


class Form:
    """Pieces, each with the number of the text that it is a form of, as one string."""

    def __init__(self, pieces: Iterable[tuple[int, str]]) -> None:
        kept = list(pieces)
        self.numbers = [number for number, _ in kept]
        self.joined = END.join([piece for _, piece in kept]) + END
        lengths = np.array([len(piece) + 1 for _, piece in kept], dtype=np.int64)
        self.ends = np.cumsum(lengths).tolist()  # the beginning of the next one

    def spots(self, sought: str) -> Iterator[Spot]:
        """Where a string lies, once in every piece."""
        find, joined, ends, numbers, length = self.joined.find, self.joined, self.ends, self.numbers, len(sought)
        at = find(sought)
        while at >= 0:
            k = bisect_right(ends, at)
            begins, after = ends[k - 1] if k else 0, joined[at + length]
            place = Place.INSIDE if at > begins else Place.WHOLE if at + length + 1 == ends[k] else Place.BEGINNING
            yield Spot(numbers[k], place, after in (BEFORE, END))
            at = find(sought, ends[k])

    def matches(self, pattern: re.Pattern[str]) -> Iterator[Spot]:
        """The same of a pattern that matches no END."""
        at = 0
        while (match := pattern.search(self.joined, at)) is not None:
            k = bisect_right(self.ends, match.start())
            begins = self.ends[k - 1] if k else 0
            place = Place.INSIDE if match.start() > begins else Place.BEGINNING
            if place is Place.BEGINNING and match.end() + 1 == self.ends[k]:
                place = Place.WHOLE
            yield Spot(self.numbers[k], place, True)
            at = self.ends[k]


class Texts:
    """Distinct texts by number; the first is empty, and is never found."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = ["", *texts]
        self.plain = [squeezed(text) for text in self.texts]
        numbered = list(enumerate(self.plain))[1:]
        read = [(number, aloud) for number, text in numbered if text for aloud in readings(text)]
        self.written = Form(numbered)
        self.pinyin = Form((number, _cut(aloud)) for number, aloud in read)
        self.initials = Form((number, "".join(one[0] for one in aloud)) for number, aloud in read)
        self._read = read
        self.known = frozenset(one for _, aloud in read for one in aloud)
        self.starts = _starts(self.known)
        self._direct = BoundedCache(WORDS_KEPT)
        self._forgiving = BoundedCache(WORDS_KEPT)

    def __len__(self) -> int:
        return len(self.texts)

    def direct(self, word: str) -> WordHits:
        """Texts with a squeezed word as it is; with Latin letters also by pinyin and initials. Below a millisecond."""
        return self._direct.get(word, lambda: self._directly(word))

    def forgiving(self, word: str) -> WordHits:
        """What the word may have been meant for, by the first way that leads anywhere: characters that sound alike,
        pinyin cut short or mixed with characters, sounds that are confused, letters wrong, missing, or too many.
        """
        return self._forgiving.get(word, lambda: self._forgivingly(word))

    def _directly(self, word: str) -> WordHits:
        grade = self._none()
        _take(grade, How.EXACT, self.written.spots(word))
        if is_latin(word):
            if len(word) > 1:
                for cut in segmentations(word, self.known, self.starts):
                    _take(grade, How.PINYIN, (_begun(spot) for spot in self.pinyin.spots(_cut(cut))))
            spots = self.initials.spots(word)
            _take(grade, How.INITIALS, (s for s in spots if len(word) > 1 or s.place is not Place.INSIDE))
        return _hits(grade)

    def _forgivingly(self, word: str) -> WordHits:
        for how, spots in (
            (How.PINYIN, self._alike(word)), (How.INITIALS, self._shortened(word)), (How.FUZZY, self._confused(word)),
        ):  # fmt: skip
            grade = self._none()
            _take(grade, how, spots)
            if grade.any():
                return _hits(grade)
        return _hits(self._erring(word))

    def _none(self) -> Uint8Array:
        return np.zeros(len(self.texts), dtype=np.uint8)

    def _alike(self, word: str) -> Iterator[Spot]:
        """Characters that are read as those of the word."""
        if not any(map(is_chinese, word)):
            return
        for aloud in readings(word):
            yield from (spot for spot in self.pinyin.spots(_cut(aloud)) if spot.is_complete)

    def _shortened(self, word: str) -> Iterator[Spot]:
        """Some syllables by their first letter, some by characters: ``dhan`` and ``dian焊`` for 电焊."""
        if len(word) < 2 or not any(map(is_latin, word)):
            return
        patterns = _patterns(word, self.known, self.starts)
        if patterns:
            yield from self._rich.matches(re.compile("|".join(patterns)))

    def _confused(self, word: str) -> Iterator[Spot]:
        """The sounds of the south; and two characters in each other's place."""
        if len(word) < 2:
            return
        if len(word) == 2:
            yield from self.written.spots(word[::-1])
        if is_latin(word):
            known, form = self._blurred
            for cut in segmentations(blurred(word), known, known):
                yield from form.spots(_cut(cut))
        elif any(map(is_chinese, word)):
            for aloud in readings(word):
                spots = self._blurred[1].spots(_cut([blurred(one) for one in aloud]))
                yield from (spot for spot in spots if spot.is_complete)

    def _erring(self, word: str) -> Uint8Array:
        """The texts with the fewest errors, where those are few enough."""
        grade = self._none()
        latin = is_latin(word)
        if len(word) < (FEWEST_LATIN if latin else FEWEST_CHINESE):
            return grade
        from rapidfuzz import fuzz, process

        pieces, numbers, lengths = self._letters if latin else self._characters
        errors = 2 if len(word) >= (LATIN_TWO_ERRORS if latin else CHINESE_TWO_ERRORS) else 1
        least = 100 * (1 - errors / len(word)) - 0.01
        likeness = process.cdist([word], pieces, scorer=fuzz.partial_ratio, score_cutoff=least, dtype=np.float32)[0]
        likeness[lengths < len(word) - errors] = 0  # a text inside of the word is no error of typing
        best = float(likeness.max(initial=0))
        if best > 0:
            found = numbers[likeness >= best - 0.01]
            grade[found] = 4 * How.FUZZY + Place.INSIDE
        return grade

    @cached_property
    def _rich(self) -> Form:
        """Every syllable with its character behind it."""
        return Form(
            (number, "".join(f"{BEFORE}{one}{c}" for one, c in zip(aloud, self.plain[number], strict=True)))
            for number, aloud in self._read
        )

    @cached_property
    def _blurred(self) -> tuple[frozenset[str], Form]:
        pieces = [(number, [blurred(one) for one in aloud]) for number, aloud in self._read]
        return frozenset(one for _, aloud in pieces for one in aloud), Form((n, _cut(aloud)) for n, aloud in pieces)

    @cached_property
    def _letters(self) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return _table([(number, "".join(aloud)) for number, aloud in self._read])

    @cached_property
    def _characters(self) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return _table([(number, text) for number, text in enumerate(self.plain) if text])


def _table(pieces: list[tuple[int, str]]) -> tuple[list[str], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    numbers = np.array([number for number, _ in pieces], dtype=np.int64)
    return [piece for _, piece in pieces], numbers, np.array([len(piece) for _, piece in pieces], dtype=np.int64)


def _cut(aloud: Sequence[str]) -> str:
    return "".join([BEFORE + one for one in aloud])


def _starts(known: Iterable[str]) -> frozenset[str]:
    return frozenset(one[:length] for one in known for length in range(1, len(one) + 1))


def _begun(spot: Spot) -> Spot:
    """A syllable that is only begun counts for less than one typed out."""
    return spot if spot.is_complete else spot._replace(place=Place.INSIDE)


def _take(grade: Uint8Array, how: How, spots: Iterable[Spot]) -> None:
    for number, place, _ in spots:
        value = 4 * how + place
        if value > grade[number]:
            grade[number] = value


def _hits(grade: Uint8Array) -> WordHits:
    return WordHits(grade, How(int(grade.max(initial=0)) // 4))


def _patterns(word: str, known: frozenset[str], starts: frozenset[str]) -> list[str]:
    """Patterns over the rich form for the ways to read a word as characters, syllables and first letters."""
    ways: list[list[str]] = [[]]
    for run in re.findall(r"[\x00-\x7f]+|[^\x00-\x7f]", word):
        if not is_latin(run):
            ways = [[*way, rf"'[a-z]*{re.escape(run)}"] for way in ways]
            continue
        cuts = _abbreviations(run, known, starts)
        ways = [[*way, *cut] for way in ways for cut in cuts][:MOST_WAYS]
    return ["".join(way) for way in ways if way]


MOST_WAYS = 24


def _abbreviations(run: str, known: frozenset[str], starts: frozenset[str]) -> list[list[str]]:
    found: list[list[str]] = []

    def cut(at: int, before: list[str]) -> None:
        if len(found) >= MOST_WAYS:
            return
        if at == len(run):
            found.append(before)
            return
        for length in range(min(6, len(run) - at), 0, -1):
            piece = run[at : at + length]
            is_last = at + length == len(run)
            if piece in known:
                cut(at + length, [*before, f"'{piece}[^'\n]"])
            if length == 1 or piece in ("zh", "ch", "sh") or (is_last and piece in starts):
                cut(at + length, [*before, f"'{re.escape(piece)}[a-z]*[^'\n]"])

    cut(0, [])
    return found
