"""Build of the documentation: `make docs`."""

import csv
import re
from pathlib import Path

import beliefs

ROOT = Path(__file__).parent.parent

project = "beliefs"
author = "The beliefs maintainers"
release = version = beliefs.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "jupyter_execute"]
# The first suffix is that of the pages that autosummary writes.
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are executed by `make notebooks`
numpydoc_show_class_members = False
autosummary_generate = True
# Pages of classes and functions that differ in their first letter alone, on any file system.
autosummary_filename_map = {
    f"beliefs.{name}": f"beliefs.{name}-class"
    for name in ("Backtest", "Forecast", "Probability", "Track")
}
autodoc_typehints = "signature"
default_role = "py:obj"  # `beliefs.track` in a docstring is a link

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "header_links_before_dropdown": 3,
}
html_sidebars = {page: [] for page in ("guide/*", "notebooks/*", "MODEL", "MODEL_CARD", "claims")}
html_title = "beliefs"


def _link(found: re.Match[str]) -> str:
    words, target = found.groups()
    if target.startswith("docs/"):
        return f"[{words}]({target.removeprefix('docs/')})"
    return words if (ROOT / target).exists() else found[0]  # beside the site: named, not linked


def _claims() -> str:
    with (ROOT / "data" / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    out = []
    for text in dict.fromkeys(row["title"] for row in rows):
        out += [
            "",
            f"## {text}",
            "",
            "| id | claim | mechanism | region | test |",
            "|" + "---|" * 5,
        ]
        for row in rows:
            if row["title"] == text:
                cells = (row[c] for c in ("id", "claim", "mechanism", "claimed_region", "test"))
                out.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(out)


def _complete(app: object, page: str, source: list[str]) -> None:
    """Put the README on the front page, and the claims on theirs."""
    if page == "index":
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        source[0] = re.sub(r"\[([^]]*)\]\(([^)]*)\)", _link, readme) + "\n" + source[0]
    if page == "claims":
        source[0] += _claims()


def setup(app: object) -> None:
    """Connect the pages that are made of other files."""
    app.connect("source-read", _complete)
