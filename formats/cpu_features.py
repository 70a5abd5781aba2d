"""CPU features that code may need, as one bit each. The kernel compares them with CPUID at boot."""

from __future__ import annotations

from enum import IntEnum


class CpuFeature(IntEnum):
    """Bits of a CPU feature tag."""

    FPU = 0x01
    TSC = 0x02
    CMOV = 0x04
    SSE = 0x08
    SSE2 = 0x10
