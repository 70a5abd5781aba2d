"""Check images: layout, boot chain, FAT volumes, modules, JIT cache; and mend what can be mended safely.

`check_image` in `bfimg.check.image` checks all of it, `repair` in `bfimg.check.repair` mends.
"""

from bfimg.check.codes import Severity
from bfimg.check.report import CheckReport, Finding
from bfimg.check.volume import check_volume

__all__ = ["CheckReport", "Finding", "Severity", "check_volume"]
