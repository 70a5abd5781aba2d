"""The preprocessor constants that C and assembler share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.codegen.naming import macro
from bfimg.formats import catalogue
from bfimg.formats.crc import ALL as ALL_CRCS
from bfimg.formats.disk_layout import DISK_REGIONS
from bfimg.formats.memory_map import MEMORY_REGIONS
from bfimg.formats.structure import TextConstant


@dataclass(frozen=True)
class Define:
    """One ``#define``: its name, the text of its value, and what it means."""

    name: str
    value: str
    meaning: str

    def line(self) -> str:
        return f"#define {self.name} {self.value} /* {self.meaning} */"


def defines() -> Iterator[Define]:
    """Constants, enumerations, structure offsets and sizes, disk regions, memory regions, CRC parameters."""
    for module in catalogue.MODULES:
        for name, constant in catalogue.constants(module).items():
            value = f'"{constant}"' if isinstance(constant, TextConstant) else f"{constant:#x}"
            yield Define(macro(name), value, constant.meaning)
        for enumeration in catalogue.enumerations(module):
            for member in enumeration:
                prefix = macro(enumeration.__name__)
                yield Define(f"{prefix}_{member.name}", f"{member.value:#x}", f"{enumeration.__name__} value")
        for structure in catalogue.structures(module):
            upper = structure.C_NAME.upper()
            yield Define(f"BF_SIZEOF_{upper}", str(structure.SIZE), f"bytes in struct bf_{structure.C_NAME}")
            for spec in structure.FIELDS:
                yield Define(f"BF_OFF_{upper}_{spec.name.upper()}", str(spec.offset), spec.meaning)
    for disk_region in DISK_REGIONS:
        prefix = f"BF_DISK_{disk_region.name.upper()}"
        yield Define(f"{prefix}_LBA", str(disk_region.first_lba), disk_region.meaning)
        if disk_region.end_lba is not None:
            yield Define(f"{prefix}_SECTORS", str(disk_region.sectors), disk_region.meaning)
    for memory_region in MEMORY_REGIONS:
        prefix = f"BF_MEM_{memory_region.name.upper()}"
        yield Define(f"{prefix}_START", f"{memory_region.start:#x}", memory_region.meaning)
        yield Define(f"{prefix}_END", f"{memory_region.end:#x}", memory_region.meaning)
        yield Define(f"{prefix}_SIZE", f"{memory_region.size:#x}", memory_region.meaning)
    for crc in ALL_CRCS:
        prefix = f"BF_CRC{crc.width}"
        yield Define(f"{prefix}_POLYNOMIAL", f"{crc.polynomial:#x}", crc.name)
        yield Define(f"{prefix}_POLYNOMIAL_REFLECTED", f"{reflect(crc.polynomial, crc.width):#x}", crc.name)
        yield Define(f"{prefix}_INITIAL", f"{crc.initial:#x}", crc.name)
        yield Define(f"{prefix}_XOR_OUT", f"{crc.xor_out:#x}", crc.name)
        yield Define(f"{prefix}_START", f"{crc.initial ^ crc.xor_out:#x}", f"First argument to begin {crc.name}")


def reflect(value: int, width: int) -> int:
    """`value` with its `width` bits in reverse order."""
    return int(f"{value:0{width}b}"[::-1], 2)
