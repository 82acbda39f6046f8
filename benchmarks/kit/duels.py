"""The synthetic duel as a design of any length."""

import re
from pathlib import Path

import numpy as np

DUEL = Path(__file__).resolve().parents[2] / "data" / "synthetic-duel"
START = np.datetime64("2001-01-01")


def design(folder: Path, n_time: int, more: str = "") -> Path:
    """Write the duel's settings for so many days, with more indicators, into a folder."""
    text = (DUEL / "study.toml").read_text(encoding="utf-8")
    end = START + np.timedelta64(n_time - 1, "D")
    text = re.sub(r"(?m)^end = 2001-04-30$", f"end = {end}", text)
    text = text.replace("\n[[channels]]", more + "\n[[channels]]", 1)
    # What is declared for days that a short duel has not is left out.
    for word in ("regimes", "shocks"):
        for table in re.findall(rf"\[\[{word}\]\][^\[]*", text):
            day = np.datetime64(re.findall(r"(?:start|date) = (\S+)", table)[0])
            if day > end:
                text = text.replace(table, "")
    folder.mkdir()
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "SOURCES.md").write_text((DUEL / "SOURCES.md").read_text(encoding="utf-8"))
    return folder
