"""Run benchmarks one after another and put what they print into README.md.

python benchmarks/report.py [SCRIPT ...]

Without a name all scripts run, and no older result stays; with names the results of others stay,
with the commit that each is of. A script that exits with 1 is said to have failed.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
README, HEAD = HERE / "README.md", "## Results\n"


def printed(script: str) -> str:
    """Run a script and return its section: commit, command and what it printed."""
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True, cwd=HERE)
    print(f"{script} ...", flush=True)
    made = subprocess.run(
        [sys.executable, HERE / script], text=True, capture_output=True, cwd=HERE.parent
    )
    failed = f"\nexit code {made.returncode}\n" if made.returncode else ""
    error = made.stderr.strip().splitlines()[-1:] if made.returncode else []
    return "\n".join(
        [f"### {script}\n", f"Of commit {commit.strip()}.\n", made.stdout.strip(), failed, *error]
    ).strip()


def main() -> None:
    scripts = sorted(p.name for p in HERE.glob("*.py") if p.name != Path(__file__).name)
    chosen = sys.argv[1:] or scripts
    before, _, old = README.read_text(encoding="utf-8").partition(HEAD)
    sections = {s.partition("\n")[0]: "### " + s.strip() for s in old.split("### ")[1:]}
    sections = {name: sections[name] for name in scripts if name in sections and sys.argv[1:]}
    for name in chosen:
        sections[name] = printed(name)
        kept = "\n\n".join(sections[name] for name in scripts if name in sections)
        README.write_text(f"{before}{HEAD}\n{kept}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
