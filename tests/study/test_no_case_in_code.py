"""The package names no party, place or document of one conflict: those belong to studies."""

import re
from pathlib import Path

from beliefs.study.bundled import list_studies

PACKAGE = Path(__file__).parents[2] / "beliefs"
WORDS = re.compile(
    r"\b(us|usa|america|american|americans|washington|iran|iranian|tehran|israel|israeli|hormuz|"
    r"houthis?|hezbollah|hamas|lebanon|iraq|iraq_syria|gulf|gulf_state|iran_proxy|red_sea|pakistan|"
    r"oman|oman_qatar|muscat|vienna|geneva|jcpoa|rial|europe|un|us_\w+|usd_irr|maritime|strait|"
    r"confederacy|confederate|greenback|appomattox|vietnam|svn|hanoi|trump|khamenei)\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(r'^STUDY = "us-iran-2026"$')  # the study of commands that are given none


def test_no_party_place_or_document_of_one_conflict_is_named():
    files = [p for end in ("py", "toml", "j2", "csv", "json") for p in PACKAGE.rglob(f"*.{end}")]
    assert len(files) > 80
    conflicts = [name for name in list_studies() if name != "synthetic-duel"]  # which is invented
    assert len(conflicts) == 3
    found, defaults = [], 0
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if ALLOWED.match(line):
                defaults += 1
            elif (word := WORDS.search(line)) or any(name in line for name in conflicts):
                found.append(f"{path.relative_to(PACKAGE)}:{number} {word and word[0]}: {line}")
    assert not found, "\n".join(found)
    assert defaults == 1
