"""How definitions are called outside Python."""

from __future__ import annotations

import re


def macro(name: str) -> str:
    """Preprocessor name of a constant: ``BF_`` and upper case with underscores."""
    return "BF_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
