"""Time comes from one place and can be fixed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimg.clock import fat_timestamp, from_fat_timestamp, now, source_date
from bfimg.errors import UsageError


def test_source_date_epoch_fixes_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert now() == datetime(1970, 1, 2, tzinfo=UTC)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert source_date() is None
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["soon", "1.5", "9" * 30])
def test_a_source_date_that_is_no_time_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        now()


@given(st.datetimes(datetime(1980, 1, 1), datetime(2107, 12, 31, 23, 59, 59)))
def test_fat_timestamps_keep_two_seconds(when: datetime) -> None:
    when = when.replace(tzinfo=UTC)
    date, time, tenths = fat_timestamp(when)
    back = from_fat_timestamp(date, time)
    assert back is not None
    assert timedelta(0) <= when - back - timedelta(milliseconds=10 * tenths) < timedelta(milliseconds=10)


def test_times_fat_cannot_hold_are_clamped() -> None:
    assert fat_timestamp(datetime(1970, 1, 1, tzinfo=UTC)) == (0x21, 0, 0)
    assert from_fat_timestamp(*fat_timestamp(datetime(2200, 1, 1, tzinfo=UTC))[:2]) == datetime(
        2107, 12, 31, 23, 59, 58, tzinfo=UTC
    )
    assert from_fat_timestamp(0, 0) is None
