"""Run folders of backtests as they would be written, of forecasts made up here."""

import hashlib
import json

import numpy as np
import pandas as pd

from beliefs.evaluation.scores.proper import brier, log_score
from beliefs.records.files import FORMAT

N = 40
DAYS = pd.date_range("2026-01-04", periods=N, freq="7D")
OBSERVED = np.zeros(N)
OBSERVED[[3, 10, 20, 30, 35]] = 1
KNOWN = np.where(OBSERVED > 0, 0.9, 0.1)  # whoever says this knew what would come


class Frame:
    """What a table of skill asks of a frame."""

    theories, origins = ("M0", "M1"), DAYS.to_numpy("datetime64[D]")


def rows(forecaster, p, observed, spell=None, target="talks"):
    """Rows of scores of one forecaster, one an origin."""
    p, observed = np.broadcast_to(p, N).astype(float), np.asarray(observed, float)
    return pd.DataFrame({
        "origin": DAYS, "horizon": 7, "periods": 7, "target": target, "kind": "event",
        "forecaster": forecaster, "p": p, "observed": observed, "first": np.nan,
        "spell": np.zeros(N, int) if spell is None else spell, "log": log_score(p, observed, 1e-6),
        "brier": brier(p, observed), "crps": np.nan, "twcrps": np.nan, "threshold": np.nan,
        "pit": np.nan,
    })  # fmt: skip


def scores(**said):
    """Scores of forecasters by name, and of a climatology that says one half."""
    spell = (np.cumsum(OBSERVED) * OBSERVED).astype(int)
    made = [rows(name, p, OBSERVED, spell) for name, p in {**said, "climatology": 0.5}.items()]
    return pd.concat(made, ignore_index=True)


def run_folder(folder, table, study="us-civil-war", **other):
    """Write what the summary reads of a run folder."""
    folder.mkdir(parents=True)
    text = table.to_csv(index=False, lineterminator="\n")
    (folder / "scores.csv").write_text(text)
    names = [n for n in table["forecaster"].unique() if n != "climatology"]
    manifest = {
        "format": FORMAT, "method": "backtest", "study": study, "study_sha256": "0" * 64,
        "as_of": "2026-10-11",
        "every": 7, "horizons": [7], "particles": 100, "draws": 100, "seed": 1, "origins": N,
        "first_origin": str(DAYS[0].date()), "last_origin": str(DAYS[-1].date()),
        "theories": dict.fromkeys(names, "1" * 64), "converged": dict.fromkeys(names, N),
        "unscored": {"talks_rational": "latent"}, "versions": {"numpy": "2"},
        "tables_sha256": {"scores": hashlib.sha256(text.encode()).hexdigest()},
    } | other  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
