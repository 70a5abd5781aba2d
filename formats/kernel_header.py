"""Header at the start of the kernel region. The signature is data: stage 2 jumps to the entry."""

from __future__ import annotations

from bfimg.formats.cpu_features import CpuFeature
from bfimg.formats.crc import CRC32
from bfimg.formats.memory_map import memory_region
from bfimg.formats.structure import Constant, Structure, raw, u16, u32

KERNEL_SIGNATURE = Constant(0x464C5544, "Kernel signature; the number spells FLUD")
KERNEL_VERSION = Constant(1, "Kernel header version")
KERNEL_CANARY = Constant(0x59524E43, "Last four bytes of every kernel image, 'CNRY'; missing when it was cut short")

_MEMORY = memory_region("kernel")


class KernelHeader(Structure, c_name="kernel_header", size=64, source="BareFlow design: kernel header"):
    """Identity and extent of the kernel. The linker fills in the extents, the build the id and CRCs."""

    signature: int = u32("Marks a kernel", const=KERNEL_SIGNATURE)
    version: int = u16("Header version", const=KERNEL_VERSION)
    header_size: int = u16("Bytes in this header", unit="bytes", const=64)
    entry_offset: int = u32("Entry point, from the start of the header", unit="bytes", low=64, high=_MEMORY.size - 1)
    image_bytes: int = u32("Header and image on disk", unit="bytes", low=65, high=_MEMORY.size)
    bss_end: int = u32("Physical address behind the last byte of bss", low=_MEMORY.start, high=_MEMORY.end)
    load_address: int = u32("Physical address the image is linked for", const=_MEMORY.start)
    cpu_features: int = u32("What the kernel needs of the CPU", bits=CpuFeature)
    flags: int = u32("None defined yet", const=0)
    build_id: bytes = raw(16, "First 16 bytes of the SHA-256 of the image behind the header")
    image_crc: int = u32("CRC-32/ISO-HDLC of the image behind the header")
    reserved: bytes = raw(8, "Zero")
    header_crc: int = u32("CRC of the 60 bytes before it", crc=CRC32)
