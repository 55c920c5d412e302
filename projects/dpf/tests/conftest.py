"""The project's package is found, as PYTHONPATH does for its users."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
