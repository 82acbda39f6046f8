"""Run the commands shown in documents again and put what they print in their place.

python scripts/console.py [README.md docs/guide/*.md ...]

In a fenced block of the kind ``console`` every line that begins with ``$ `` is run by bash, from a
folder that all blocks of a document share and in which ``beliefs`` is on the path; what stands
between it and the next command is replaced by its output. A command that exits with anything but 0
must end in a comment ``# exit N``. In a block that begins with ``# FILE`` and is of the kind
``toml`` the block itself is written to that file first. A document that leaves a run ``tour`` has
the beliefs of that run drawn as docs/img/beliefs_2026.png.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import beliefs
from beliefs.reporting import axes, figures

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(console|toml|csv|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^# ([\w.-]+)$", re.MULTILINE)
EXIT = re.compile(r"# exit (\d+)$")


def run(command: str, folder: Path) -> str:
    """Return what a command prints."""
    path = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = EXIT.search(command)
    if done.returncode not in (int(expected[1]) if expected else 0, 141):
        raise SystemExit(f"$ {command}\nexited with {done.returncode}:\n{done.stderr}")
    return done.stdout + (done.stderr if expected else "")


def made_anew(text: str, folder: Path) -> str:
    """Return a document with the output of its commands made anew."""

    def block(match: re.Match[str]) -> str:
        kind, body = match[1], match[2]
        if kind != "console":
            named = FILE.match(body)
            if named:
                (folder / named[1]).write_text(body, encoding="utf-8")
            return match[0]
        out = []
        for line in body.splitlines():
            if line.startswith("$ "):
                print(line, flush=True)
                out += [line, *run(line[2:], folder).rstrip("\n").splitlines()]
        return "```console\n" + "\n".join(out) + "\n```"

    return BLOCK.sub(block, text)


def main() -> None:
    """Make all documents that are named anew, README and the guide by default."""
    named = [Path(a) for a in sys.argv[1:]]
    for path in named or [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "scripts").symlink_to(ROOT / "scripts")
            text = path.read_text(encoding="utf-8")
            path.write_text(made_anew(text, Path(folder)), encoding="utf-8")
            if (tour := Path(folder) / "tour").is_dir():
                drawn = axes.static(figures.beliefs(beliefs.load_run(tour)))
                axes.save_figure(drawn.figure, ROOT / "docs/img/beliefs_2026.png", dpi=110)


if __name__ == "__main__":
    main()
