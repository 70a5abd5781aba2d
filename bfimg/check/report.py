"""What a check found, and what a repair would do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import IntEnum

from bfimg.check.codes import Code, Severity
from bfimg.image.probe import ImageKind

MOST_OF_A_CODE = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong.

    code: see docs/check.md; it never changes its meaning. place: a WHERE. offset: byte offset in the image, None
    where no single byte is to blame. repairable: `repair` mends this one.
    """

    code: str
    severity: Severity
    place: str
    offset: int | None
    message: str
    remedy: str
    repairable: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The findings on an image: layout first, then volume by volume, then modules and cache."""

    kind: ImageKind
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return not self.findings


class Stage(IntEnum):
    """The order of repairs. Each stage is done, and the image checked anew, before the next is looked at."""

    BOOT_SECTOR = 1
    TABLE_COPY = 2
    ENTRIES = 3
    SIZES = 4
    LOST = 5
    HINTS = 6  # what repeats other fields
    STATE = 7  # the mark that says all is well


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends one finding. Offsets in bytes from the start of the image.

    action: what is done, in the past tense. writes: (offset, bytes). copy: (from, to, size). ends: clusters that
    become the last of their chain. entries: (cluster, value) to set in the FAT. free_lost: lost clusters are freed.
    """

    stage: Stage
    action: str
    writes: tuple[tuple[int, bytes], ...] = ()
    copy: tuple[int, int, int] | None = None
    ends: tuple[int, ...] = ()
    entries: tuple[tuple[int, int], ...] = ()
    free_lost: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A fix together with the finding it mends."""

    code: str
    place: str
    fix: Fix


class Collector:
    """Gathers findings. Of each code at most MOST_OF_A_CODE are kept, so that memory stays bounded."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.planned: list[Planned] = []
        self._counts: Counter[str] = Counter()
        self._codes: dict[str, Code] = {}

    def add(self, code: Code, place: object, offset: int | None, message: str, fix: Fix | None = None) -> None:
        """Report something; `fix` where it can be mended safely. `str(place)` is made for what is kept only."""
        self._counts[code.code] += 1
        if self._counts[code.code] > MOST_OF_A_CODE:
            self._codes[code.code] = code
            return
        where = str(place)
        self.findings.append(_finding(code, where, offset, message, fix is not None))
        if fix is not None:
            self.planned.append(Planned(code.code, where, fix))

    def take(self, other: Collector) -> None:
        """Add what another collector has."""
        self.findings += other.findings
        self.planned += other.planned

    def withhold(self, code: Code) -> None:
        """Leave the findings of a code, but do not mend them."""
        self.findings = [replace(f, repairable=False) if f.code == code.code else f for f in self.findings]
        self.planned = [plan for plan in self.planned if plan.code != code.code]

    def withhold_all(self) -> None:
        """Leave all findings, but mend none."""
        self.findings = [replace(finding, repairable=False) for finding in self.findings]
        self.planned.clear()

    def has(self, code: Code) -> bool:
        return code.code in self._counts

    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def close(self, place: str) -> None:
        """Say how many findings of a code were left out."""
        for name, code in self._codes.items():
            more = self._counts[name] - MOST_OF_A_CODE
            self.findings.append(_finding(code, place, None, f"{more} more like the {MOST_OF_A_CODE} above", False))
        self._codes.clear()


def _finding(code: Code, place: str, offset: int | None, message: str, repairable: bool) -> Finding:
    return Finding(code.code, code.severity, place, offset, message, code.remedy, repairable)
