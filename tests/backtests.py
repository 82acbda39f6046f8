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


def scores(**said):
    """Scores of forecasters by name, and of a climatology that says one half."""
    return pd.concat(
        [
            pd.DataFrame({
                "origin": DAYS, "horizon": 7, "periods": 7, "target": "talks", "kind": "event",
                "forecaster": name, "p": p, "observed": OBSERVED, "first": np.nan,
                "spell": (np.cumsum(OBSERVED) * OBSERVED).astype(int),
                "log": log_score(p, OBSERVED, 1e-6),
                "brier": brier(p, OBSERVED), "crps": np.nan, "twcrps": np.nan, "threshold": np.nan,
                "pit": np.nan,
            })
            for name, value in {**said, "climatology": 0.5}.items()
            for p in [np.broadcast_to(value, N).astype(float)]
        ], ignore_index=True,
    )  # fmt: skip


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
