"""Build of the documentation: `make docs`."""

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
exclude_patterns = ["_build"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are executed by `make notebooks`
numpydoc_show_class_members = False
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has the types

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": True}
html_title = "beliefs"


def _link(found: re.Match[str]) -> str:
    words, target = found.groups()
    if target.startswith("docs/"):
        return f"[{words}]({target.removeprefix('docs/')})"
    return words if (ROOT / target).exists() else found[0]  # beside the site: named, not linked


def _front_page(app: object, page: str, source: list[str]) -> None:
    """Put the README on the front page."""
    if page == "index":
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        source[0] = re.sub(r"\[([^]]*)\]\(([^)]*)\)", _link, readme) + "\n" + source[0]


def setup(app: object) -> None:
    """Connect the front page."""
    app.connect("source-read", _front_page)
