"""The example of every function of the public API runs, and every result shows itself."""

import doctest
import inspect
import re
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import beliefs

EVIL = "<b>watch</b> & co"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Results by the names that examples use, on the study that `new_study` writes."""
    folder = tmp_path_factory.mktemp("examples")
    beliefs.new_study(folder / "watch")
    study = beliefs.load_study(folder / "watch", as_of="2026-01-26")
    tracked = beliefs.track(study, "base_rate", particles=900, seed=1)
    posterior = tracked.at(tracked.ends[-1], draws=100)
    return {
        "beliefs": beliefs, "folder": folder, "study": study, "tracked": tracked,
        "posterior": posterior, "run": beliefs.save_run(folder / "run", tracked),
        "ahead": beliefs.forecast(posterior, 7, seed=1, allow_failed=True),
    }  # fmt: skip


def results(kept, name):
    """One of each, of a study of that name."""
    study = replace(kept["study"], spec=kept["study"].spec.model_copy(update={"name": name}))
    posterior = replace(kept["posterior"], study=study)
    blank = dict.fromkeys((f.name for f in fields(beliefs.Backtest)), ())
    scored = {"study": name, "as_of": study.as_of, "frame": SimpleNamespace(origins=[1, 2])}
    return (
        study, posterior, replace(kept["tracked"], study=study),
        replace(kept["ahead"], posterior=posterior), beliefs.Backtest(**blank | scored),
    )  # fmt: skip


@pytest.mark.parametrize("one", range(5), ids="study posterior track forecast backtest".split())
def test_a_result_shows_name_date_and_number_and_names_stay_text(kept, one):
    found = results(kept, "watch")[one]
    text, html = repr(found), found._repr_html_()
    assert text.startswith(f"<{type(found).__name__}: ") and len(text) < 300 and "\n" not in text
    assert "<td>watch</td>" in html and "2026-01-26" in html and re.search(r"<td>\d+</td>", html)
    html = results(kept, EVIL)[one]._repr_html_()
    assert "&lt;b&gt;watch&lt;/b&gt; &amp; co" in html and "<b>" not in html


def test_type_checkers_see_every_public_name_where_it_is():
    stub = (Path(beliefs.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")
    said = {name: module for module, name in re.findall(r"from (\S+) import (\w+) as \2\b", stub)}
    assert {name: getattr(beliefs, name).__module__ for name in said} == said
    assert {*said, "__version__"} == {*beliefs.__all__}


def test_every_public_function_has_an_example_that_runs(kept):
    runner, without = doctest.DocTestRunner(), []
    early = ("new_study",)  # what it writes is read by others
    every = {n: getattr(beliefs, n) for n in beliefs.__all__}
    every = {n: of for n, of in every.items() if inspect.isfunction(of)}
    every["from_frames"] = beliefs.Study.from_frames
    for name in [*early, *(n for n in every if n not in early)]:
        for example in doctest.DocTestFinder(recurse=False).find(every[name], name, globs=kept):
            if not example.examples:
                without.append(name)
            runner.run(example)
    assert without == []
    assert runner.summarize(verbose=False).failed == 0
