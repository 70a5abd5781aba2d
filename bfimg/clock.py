"""The clock that timestamps come from: SOURCE_DATE_EPOCH when set, else the system's, always in UTC."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from bfimg.errors import UsageError

FAT_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
_FAT_LAST_YEAR = 2107


def now() -> datetime:
    """Current time, or SOURCE_DATE_EPOCH (seconds since 1970). Raises UsageError when that is no number."""
    return source_date() or datetime.now(UTC)


def source_date() -> datetime | None:
    """SOURCE_DATE_EPOCH as a time, None when it is not set. Raises UsageError when it is no usable number."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}", hint="set it to whole seconds since 1970") from None


def fat_timestamp(when: datetime) -> tuple[int, int, int]:
    """(date, time, tenths) as a FAT directory entry holds them; `when` is clamped to 1980..2107.

    date: year - 1980, month, day. time: hours, minutes, seconds / 2. tenths: the odd second and hundredths.
    Source: Microsoft FAT Specification (2005), section 6.
    """
    when = max(when, FAT_EPOCH)
    if when.year > _FAT_LAST_YEAR:
        when = datetime(_FAT_LAST_YEAR, 12, 31, 23, 59, 59, tzinfo=UTC)
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    time = when.hour << 11 | when.minute << 5 | when.second // 2
    return date, time, when.second % 2 * 100 + when.microsecond // 10_000


def from_fat_timestamp(date: int, time: int) -> datetime | None:
    """The time a directory entry holds, to two seconds, or None when the fields hold no date."""
    try:
        return datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, time % 32 * 2, tzinfo=UTC
        )
    except ValueError:
        return None
