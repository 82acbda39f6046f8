"""How to break a study: one change to the small valid one of `tests/study/make_study.py`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import NamedTuple

from make_actions import HEADER

S, I, E, T, C = "study.toml", "indicators.csv", "events.csv", "talks.csv", "coverage.csv"
A = "agreements.csv"

Break = Callable[[Path], None]


class Case(NamedTuple):
    """One broken study, and where the error says it is: file, line, and column, key or byte."""

    name: str
    where: str
    mutate: Break


def breaking(change: Callable[..., object]) -> Callable[..., Break]:
    """What is done to the path of a file becomes a function of its name and of how."""

    @wraps(change)
    def given(file: str, *how: object) -> Break:
        return lambda folder: change(folder / file, *how)

    return given


@breaking
def swap(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_bytes(text.replace(old, new, 1).encode())


toml, ind, eve, talk, cov = (partial(swap, file) for file in (S, I, E, T, C))


@breaking
def add(path: Path, text: str) -> None:
    """Append a text."""
    with path.open("a", encoding="utf-8") as handle:
        handle.write(text)


put = breaking(Path.write_bytes)
drop = breaking(Path.unlink)


@breaking
def recode(path: Path, encoding: str) -> None:
    """Write a file again in another encoding, with a letter outside ASCII."""
    text = path.read_text(encoding="utf-8").replace("Harbour", "Málaga")
    path.write_bytes(text.encode(encoding))


@breaking
def link(path: Path, target: str = "") -> None:
    """Replace a file by a link: to its copy outside of the folder, or to the target."""
    outside = path.parent.parent / "outside"
    shutil.move(path, outside)
    path.symlink_to(target or outside)


@breaking
def grow(path: Path, size: int, tail: bytes = b"") -> None:
    """Make a file as large as that, by a hole."""
    with path.open("r+b") as handle:
        handle.truncate(size)
        handle.seek(size)
        handle.write(tail)


@breaking
def as_folder(path: Path) -> None:
    """Replace a file by a folder of its name."""
    path.unlink()
    path.mkdir()


def as_file(folder: Path) -> None:
    """Replace the study folder by a file."""
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def both(*breaks: Break) -> Break:
    """Do one thing after another."""

    def mutate(folder: Path) -> None:
        for change in breaks:
            change(folder)

    return mutate


def agree(*rows: str) -> Break:
    """Write agreements.csv, and the table that it needs."""
    text = "\n".join([HEADER, *rows]) + "\n"
    return both(add(S, "[agreements]\n"), put(A, text.encode()))
