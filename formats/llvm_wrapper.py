"""LLVM bitcode wrapper header: lets any LLVM tool open a file with something before the bitcode."""

from __future__ import annotations

from bfimg.formats.structure import Constant, Structure, u32

LLVM_WRAPPER_MAGIC = Constant(0x0B17C0DE, "LLVM bitcode wrapper")
LLVM_BITCODE_MAGIC = Constant(0xDEC04342, "Raw LLVM bitcode: 'B' 'C' 0xC0 0xDE on disk")
LLVM_CPU_TYPE_X86 = Constant(7, "CPU type of 32-bit x86 (Mach-O CPU_TYPE_I386)")


class LlvmWrapperHeader(
    Structure, c_name="llvm_wrapper_header", size=20, source="LLVM Bitcode File Format, Bitcode Wrapper Format"
):
    """Where the bitcode stands in the file."""

    magic: int = u32("Marks a wrapper", const=LLVM_WRAPPER_MAGIC)
    version: int = u32("Wrapper version", const=0)
    offset: int = u32("Start of the bitcode, from the start of the file", unit="bytes", low=20)
    size: int = u32("Length of the bitcode", unit="bytes")
    cpu_type: int = u32("Mach-O CPU type", default=LLVM_CPU_TYPE_X86)
