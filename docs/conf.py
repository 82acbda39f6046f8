"""Build of the documentation: `make docs`."""

import beliefs

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
suppress_warnings = ["myst.xref_missing"]  # links of the README to files outside docs
nb_execution_mode = "off"  # notebooks are executed by `make notebooks`
numpydoc_show_class_members = False
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has the types

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": True}
html_title = "beliefs"
