"""Native module (`.mod`): a header and flat 32-bit code linked for the module arena."""

from __future__ import annotations

from bfimg.formats.structure import Constant, Structure, text, u32

NATIVE_MODULE_MAGIC = Constant(0x4D4F4442, "Native module; the number spells MODB")
NATIVE_MODULE_VERSION = Constant(1, "Module version written by the build")


class NativeModuleHeader(Structure, c_name="native_module_header", size=48, source="BareFlow design: native module"):
    """Stands before the code. The code follows directly."""

    magic: int = u32("Marks a native module", const=NATIVE_MODULE_MAGIC)
    name: bytes = text(32, "Module name, NUL-padded ASCII")
    entry_offset: int = u32("Entry point, from the start of the code", unit="bytes")
    code_size: int = u32("Bytes of code behind the header", unit="bytes", low=1)
    version: int = u32("Module version")
