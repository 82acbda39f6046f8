"""Bring each notebook and its .py together (the newer one wins), then execute it in place.

python scripts/notebooks.py [PART OF A NAME ...]
"""

import sys
from pathlib import Path

import nbformat
from jupytext.cli import jupytext
from nbclient import NotebookClient

folder = Path("notebooks")
if pairs := [str(path) for path in folder.glob("*") if path.suffix in {".py", ".ipynb"}]:
    jupytext(["--quiet", "--sync", *pairs])

chosen = [p for p in folder.glob("*.ipynb") if any(part in p.name for part in sys.argv[1:] or [""])]
for path in sorted(chosen):
    print(path, flush=True)
    notebook = nbformat.read(path, as_version=4)
    # No timings: a run that changes nothing should leave the file as it was.
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    nbformat.write(notebook, path)
