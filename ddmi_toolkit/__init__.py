"""Generative models of implicit neural representations."""

from .compat import install as _install_compat

__version__ = '0.1.0'

_install_compat()
del _install_compat
