"""The example of every function of the public API runs, on the study that `new_study` writes."""

import doctest
import inspect

import beliefs


def test_every_public_function_has_an_example_that_runs(tmp_path):
    beliefs.new_study(tmp_path / "watch")
    study = beliefs.load_study(tmp_path / "watch", as_of="2026-01-26")
    tracked = beliefs.track(study, "base_rate", particles=900, seed=1)
    posterior = tracked.at(tracked.ends[-1], draws=100)
    kept = {
        "beliefs": beliefs, "folder": tmp_path, "study": study, "tracked": tracked,
        "posterior": posterior, "run": beliefs.save_run(tmp_path / "run", tracked),
        "ahead": beliefs.forecast(posterior, 7, seed=1, allow_failed=True),
    }  # fmt: skip
    for name in ("study", "tracked", "posterior", "ahead"):
        shown = repr(kept[name])
        assert shown.startswith(f"<{type(kept[name]).__name__}: ") and len(shown) < 300, shown
        assert "\n" not in shown
    runner, without = doctest.DocTestRunner(), []
    early = ("new_study",)  # what it writes is read by others
    names = [n for n in beliefs.__all__ if inspect.isfunction(getattr(beliefs, n))]
    for name in [*early, *(n for n in names if n not in early)]:
        for example in doctest.DocTestFinder(recurse=False).find(
            getattr(beliefs, name), name, globs=kept
        ):
            if not example.examples:
                without.append(name)
            runner.run(example)
    assert without == []
    assert runner.summarize(verbose=False).failed == 0
