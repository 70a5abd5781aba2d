"""The CRCs in use, by the name the CRC catalogue (reveng) gives them.

The kernel's C routines are generated from the same definitions.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Crc:
    """One catalogue entry. `polynomial` is without its top bit; `check` is the CRC of b"123456789"."""

    name: str
    width: int
    polynomial: int
    initial: int
    reflected: bool
    xor_out: int
    check: int

    def compute(self, data: bytes | memoryview) -> int:
        """CRC of `data`. CRC-32/ISO-HDLC comes from zlib, about 8 times as fast as crcmod on bulk data."""
        if self is CRC32:
            return zlib.crc32(data)
        import crcmod

        function = crcmod.mkCrcFun(
            (1 << self.width) | self.polynomial,
            initCrc=self.initial ^ self.xor_out,
            rev=self.reflected,
            xorOut=self.xor_out,
        )
        return int(function(bytes(data)))


CRC32 = Crc("CRC-32/ISO-HDLC", 32, 0x04C11DB7, 0xFFFFFFFF, True, 0xFFFFFFFF, 0xCBF43926)
CRC16 = Crc("CRC-16/IBM-3740", 16, 0x1021, 0xFFFF, False, 0x0000, 0x29B1)

ALL = (CRC32, CRC16)
