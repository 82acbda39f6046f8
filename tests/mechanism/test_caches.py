"""Compiled code finds a place where neither the package nor the user's home can be written."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numba
from numba.core.caching import IndexDataCacheFile

import beliefs
import beliefs.inference.filter.filter

CODE = """
import beliefs.inference.smc.particles as particles
import beliefs.inference.nuts.model
import numba, numpy, os, pytensor
assert particles.__file__.startswith(os.environ["COPY"])
print(os.environ["NUMBA_CACHE_DIR"], pytensor.config.base_compiledir)
"""


def test_a_temporary_folder_stands_in_for_places_that_cannot_be_written(tmp_path):
    copy = tmp_path / "package" / "beliefs"
    shutil.copytree(
        Path(beliefs.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__")
    )
    for room in [copy, *copy.rglob("*")]:
        if room.is_dir():
            (room / "__pycache__").write_text("no folder")  # not even root can write in there
    (tmp_path / "home").write_text("no folder")
    (tmp_path / "tmp").mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "PYTENSOR", "XDG"))}
    env = kept | {
        "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONPATH": str(copy.parent), "COPY": str(copy.parent),
        "MPLCONFIGDIR": str(tmp_path / "tmp"),
    }  # fmt: skip
    for _ in range(2):  # what is compiled once is found again
        done = subprocess.run(
            [sys.executable, "-c", CODE], env=env, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        for place in done.stdout.split():
            assert Path(place).parent.parent == tmp_path / "tmp"
        (folder,) = (tmp_path / "tmp").glob("beliefs-cache-*")
        assert folder.stat().st_mode & 0o077 == 0
        assert list((folder / "numba").iterdir()) or list((folder / "pytensor").iterdir())


def test_a_cache_that_names_a_type_of_before_is_compiled_anew(tmp_path):
    gone = b"cbeliefs.inference.filter.filter\nGone\n."
    (tmp_path / "kernel.nbi").write_bytes(pickle.dumps(numba.__version__) + gone)
    assert IndexDataCacheFile(str(tmp_path), "kernel", (0, 0)).load("any") is None
