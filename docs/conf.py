"""Sphinx configuration."""

import ddmi_toolkit

project = 'ddmi_toolkit'
author = 'the ddmi_toolkit authors'
release = ddmi_toolkit.__version__
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'sphinx.ext.viewcode']
autodoc_default_options = {'members': True, 'show-inheritance': True}
autodoc_typehints = 'signature'
napoleon_numpy_docstring = False
html_theme = 'furo'
exclude_patterns = ['_build']
myst_heading_anchors = 3
suppress_warnings = ['myst.header']
