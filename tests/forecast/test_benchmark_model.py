"""The PyMC model of futures that a benchmark holds against `forecast` still builds."""

from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_model_of_futures_has_every_column_that_the_equations_read(unsampled, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from kit.future_pymc import future_model

    model = future_model(unsampled, 5)
    made = {name: model[name].type.ndim for name in ("logit_belief", "talks")}
    assert made == {"logit_belief": 2, "talks": 1}
