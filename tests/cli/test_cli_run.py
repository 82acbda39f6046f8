"""`beliefs run`, really sampling: nothing looks ahead, and nothing is random but the seed."""

import json

import pytest
from later_rows import without_later_rows

SETTINGS = [
    "--draws", "50", "--tune", "100", "--chains", "2", "--allow-failed", "--json", "--horizon", "14"
]  # fmt: skip


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
