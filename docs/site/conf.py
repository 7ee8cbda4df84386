"""The documentation site: `make docs`."""

import shutil
from importlib.metadata import version as version_of
from pathlib import Path

project = "saddlehop"
copyright = "the saddlehop developers"
author = "the saddlehop developers"
version = release = version_of("saddlehop")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
]
autosummary_generate = True
autodoc_typehints = "none"
rst_epilog = r".. |a_j| replace:: \|a_j\|"  # docstrings are read in editors first
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "from saddle to saddle as λ → 0",
    "fixed_sidebar": True,
    "page_width": "1240px",
    "body_max_width": "auto",  # lines of code fit
}
html_static_path = ["_static"]  # custom.css, which the theme looks for
html_title = "saddlehop"
sphinx_gallery_conf = {
    "examples_dirs": "../../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(gradient_descent|digits_optimizers|two_samples|published|__init__)\.py",
    "download_all_examples": False,
    "show_memory": False,
    "capture_repr": ("_repr_html_",),  # tables, but not the names of axes
}


def setup(app):
    """Put the figures of the claims beside the page that shows them."""
    claims = Path(__file__).parent.parent / "claims"
    app.connect(
        "build-finished",
        lambda app, _: shutil.copytree(claims, Path(app.outdir) / "claims", dirs_exist_ok=True),
    )
