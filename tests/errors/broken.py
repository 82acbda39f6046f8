"""How to break a study: one change to the small valid one of `tests/study/make_study.py`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

S, I, E, T, C = "study.toml", "indicators.csv", "events.csv", "talks.csv", "coverage.csv"

Break = Callable[[Path], None]


class Case(NamedTuple):
    """One broken study; `messages.md` has what is said of it."""

    name: str
    mutate: Break


def swap(file: str, old: str, new: str) -> Break:
    """Replace the first occurrence of a text, which must be there."""

    def mutate(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_bytes(text.replace(old, new, 1).encode())

    return mutate


toml, ind, eve, talk, cov = (partial(swap, file) for file in (S, I, E, T, C))


def add(file: str, text: str) -> Break:
    """Append a text."""

    def mutate(folder: Path) -> None:
        with (folder / file).open("a", encoding="utf-8") as handle:
            handle.write(text)

    return mutate


def put(file: str, content: bytes) -> Break:
    """Replace a whole file."""

    def mutate(folder: Path) -> None:
        (folder / file).write_bytes(content)

    return mutate


def drop(file: str) -> Break:
    """Delete a file."""
    return lambda folder: (folder / file).unlink()


def recode(file: str, encoding: str) -> Break:
    """Write a file again in another encoding, with a letter outside ASCII."""

    def mutate(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8").replace("Harbour", "Málaga")
        (folder / file).write_bytes(text.encode(encoding))

    return mutate


def link(file: str, target: str = "") -> Break:
    """Replace a file by a link: to its copy outside of the folder, or to the target."""

    def mutate(folder: Path) -> None:
        outside = folder.parent / "outside"
        shutil.move(folder / file, outside)
        (folder / file).symlink_to(target or outside)

    return mutate


def grow(file: str, size: int, tail: bytes = b"") -> Break:
    """Make a file as large as that, by a hole."""

    def mutate(folder: Path) -> None:
        with (folder / file).open("r+b") as handle:
            handle.truncate(size)
            handle.seek(size)
            handle.write(tail)

    return mutate


def as_folder(file: str) -> Break:
    """Replace a file by a folder of its name."""

    def mutate(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return mutate


def as_file(folder: Path) -> None:
    """Replace the study folder by a file."""
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def both(first: Break, second: Break) -> Break:
    """Do one thing after another."""

    def mutate(folder: Path) -> None:
        first(folder)
        second(folder)

    return mutate
