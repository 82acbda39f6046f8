"""`beliefs run`, really sampling: nothing looks ahead, and nothing is random but the seed."""

import json

import numpy as np
import pytest
from later_rows import without_later_rows

from beliefs import load_run

SETTINGS = ["--particles", "400", "--allow-failed", "--json", "--horizon", "14"]


@pytest.mark.parametrize(
    ("theory", "known"),
    [
        ("M0", "2026-02-04"),
        *(
            pytest.param("M1", day, marks=pytest.mark.slow)
            for day in ("2026-01-24", "2026-02-04", "2026-02-19")
        ),
    ],
)
def test_rows_published_later_change_no_number(call, rich_folder, tmp_path, theory, known):
    copy, removed = without_later_rows(rich_folder, known, tmp_path / "known")
    assert removed > 20
    how = ("--theory", theory, "--as-of", known, "--seed", "5")
    said = []
    for out, folder in (("one", rich_folder), ("two", copy)):
        code, text, err = call("run", folder, "--out", tmp_path / out, *SETTINGS, *how)
        assert code == 0, err
        said.append(json.loads(text))
    whole, cut = said
    assert whole == cut
    assert whole["as_of"] == whole["origin"] == known


def test_a_failed_convergence_check_keeps_the_posterior_and_forecasts_nothing(
    call, rich_folder, tmp_path
):
    out = tmp_path / "run"
    strict = [s for s in SETTINGS if s != "--allow-failed"]
    code, text, err = call("run", rich_folder, "--theory", "M0", "--out", out, *strict)
    assert (code, text) == (3, "") and "failed its convergence check" in err
    assert f"the posterior is kept in {out}" in err
    assert (out / "posterior.nc").is_file() and not (out / "forecast.json").exists()


def test_a_run_can_be_had_again_to_the_bit_and_gone_on_with(call, rich_folder, tmp_path):
    out, later = tmp_path / "run", tmp_path / "later"
    how = "--theory", "M0", "--particles", "800", "--as-of", "2026-02-19", "--horizon", "14"
    assert call("run", rich_folder, "--out", out, *how)[0] == 0
    assert call("report", out, "--out", tmp_path / "again.html")[0] == 0
    code, text, err = call("reproduce", out, "--json")
    assert code == 0 and json.loads(text)["verdict"] == "bit-identical", err
    code, text, err = call("update", out, "--out", later, "--to", "2026-02-24", "--json")
    assert code == 0 and json.loads(text)["took_over"] and json.loads(text)["periods"] == 5, err
    nuts = tmp_path / "nuts"
    few = "--sampler", "nuts", "--theory", "M0", "--as-of", "2026-02-19", "--horizon", "14"
    assert call("run", rich_folder, "--out", nuts, *few)[0] == 0
    one, other = (load_run(f).kept["posterior"]["onset_base"] for f in (out, nuts))
    assert abs(float(one.mean() - other.mean())) < 5 * float(other.std()) / np.sqrt(400)
