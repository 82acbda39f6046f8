"""The same seed gives the same posterior in another process, on another number of cores, with
another hash seed, and whether the machine code was just compiled or read back from the disk."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

SETTINGS = ["--draws", "60", "--tune", "200", "--chains", "4", "--quiet"]


def posterior_hash(study: str, out: Path, cache: Path, *, hash_seed: int, cores: int) -> str:
    """Fit in a fresh process with the caches in `cache`; return the hash of the posterior."""
    env = os.environ | {
        "PYTENSOR_FLAGS": f"base_compiledir={cache / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, "-m", "beliefs", "fit", study, "--out", str(out)]
    done = subprocess.run(
        [*command, "--seed", "11", *SETTINGS, "--cores", str(cores)],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 3), done.stderr  # 3: so few draws may fail the convergence check
    return json.loads((out / "manifest.json").read_text())["posterior_content_sha256"]


@pytest.mark.parametrize("study", ["template", "us-civil-war"])
def test_one_seed_gives_one_posterior_in_every_process_core_count_and_cache(study, tmp_path):
    if study == "template":
        from beliefs.study.bundled import new_study

        study = str(new_study(tmp_path / "mine"))
    one, two = tmp_path / "cache one", tmp_path / "cache two"
    ways = {
        "cold": (one, 1, 1),
        "warm": (one, 1, 1),
        "another hash seed": (one, 2, 1),
        "two cores": (one, 2, 2),
        "cold, another hash seed, two cores": (two, 2, 2),
    }
    found = {
        name: posterior_hash(study, tmp_path / name, cache, hash_seed=seed, cores=cores)
        for name, (cache, seed, cores) in ways.items()
    }
    assert len(set(found.values())) == 1, found
