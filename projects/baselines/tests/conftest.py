"""The baselines' packages are found, as PYTHONPATH does for their users."""

import sys
from pathlib import Path

PROJECTS = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECTS / name) for name in ('functa', 'gem', 'gasp', 'dpf')]
