"""Every code `bfimg check` can report: the one table behind findings, remedies and docs/check.md.

A code never changes its meaning, and the number of a retired one is not used again.
BF1xx layout and boot chain, FAT1xx boot sector and FSInfo, FAT2xx allocation table and chains (what depends on the
FAT's contents), FAT3xx directories, MOD1xx modules, JIT1xx the JIT cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """error: data is wrong, lost or cannot be loaded. warning: it works, but not everywhere or not for long."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding.

    title: what it is, in a few words. reason: why it is wrong. remedy: what to do. repairable: `--repair` does it,
    where a finding of this code does not say otherwise.
    """

    code: str
    severity: Severity
    title: str
    reason: str
    remedy: str
    repairable: bool


CODES: dict[str, Code] = {}


def _code(code: str, severity: Severity, title: str, reason: str, remedy: str, *, repairable: bool = False) -> Code:
    entry = Code(code, severity, title, reason, remedy, repairable)
    assert code not in CODES
    CODES[code] = entry
    return entry


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING
_REPAIR = "use --repair"
_CUT_OR_REMOVE = "use --repair where it happens behind the file's end; else copy what is left, then remove it"

# Layout and boot chain

UNKNOWN_IMAGE = _code(
    "BF101",
    _ERROR,
    "image of no known kind",
    "No boot signature, no FAT volume and no BareFlow kernel stands where one would be.",
    "name another image, or a volume in a larger file as IMAGE@@OFFSET",
)
MBR_RESERVED = _code(
    "BF102",
    _ERROR,
    "boot code beyond 440 bytes",
    "The two bytes behind the disk signature must be 0x0000 or 0x5A5A; anything else is code that grew too long.",
    "make stage 1 smaller and build again",
)
PARTITION_ENTRY = _code(
    "BF103",
    _ERROR,
    "partition entry is none",
    "A status other than 0x00 and 0x80, or contents in an unused entry: boot code was written over the table.",
    "write the partition table again, without touching bytes 0 to 439",
)
CUT_SHORT = _code(
    "BF104",
    _ERROR,
    "region leaves the disk",
    "The region or partition ends behind the end of the image.",
    "lengthen the image or make the region smaller",
)
OVERLAP = _code(
    "BF105",
    _ERROR,
    "regions overlap",
    "Two regions claim the same sectors: a write to one damages the other.",
    "move one of them",
)
LOGICAL_OUTSIDE = _code(
    "BF106",
    _ERROR,
    "logical partition outside its extended partition",
    "Systems that follow the extended partition take its end for the end of what is in it.",
    "make the extended partition larger",
)
STAGE2_SIZE = _code(
    "BF107",
    _ERROR,
    "stage 2 is not 4,096 bytes",
    "A kernel header stands elsewhere than the descriptor says: a stage 2 of another size moved the kernel.",
    "pad stage 2 to 4,096 bytes and build again",
)
STAGE2_OVERWRITTEN = _code(
    "BF108",
    _ERROR,
    "stage 2 is overwritten",
    "The kernel's sectors, or no descriptor, where stage 2 stands.",
    "write stage 2 again: bfimg build",
)
DESCRIPTOR_FIELD = _code(
    "BF109",
    _ERROR,
    "stage-2 descriptor has an impossible value",
    "Stage 2 refuses the descriptor and does not load the kernel.",
    "set the field: bfimg set",
)
DESCRIPTOR_CRC = _code(
    "BF110",
    _ERROR,
    "CRC of the stage-2 descriptor is wrong",
    "Stage 2 stops with BF-E03.",
    "use --repair; where it declines, set a field with bfimg set, which makes the CRC right",
    repairable=True,
)
KERNEL_CRC = _code(
    "BF111",
    _ERROR,
    "kernel is not the one the descriptor describes",
    "Stage 2 compares the CRC-32 of what it loaded and stops with BF-E09.",
    "build again; after a change on purpose, set stage2.kernel_crc",
)
KERNEL_TOO_LARGE = _code(
    "BF112",
    _ERROR,
    "kernel is larger than the loader reads",
    "The end of the kernel is not loaded; stage 2 stops with BF-E10.",
    "raise stage2.kernel_sectors",
)
KERNEL_EXTENT = _code(
    "BF113",
    _ERROR,
    "kernel leaves its region",
    "The sectors the descriptor names belong to something else too.",
    "build again",
)
KERNEL_HEADER = _code(
    "BF114",
    _ERROR,
    "kernel header has an impossible value",
    "Stage 2 does not jump to a kernel without a sound header.",
    "build again",
)
KERNEL_HEADER_CRC = _code(
    "BF115",
    _ERROR,
    "CRC in the kernel header is wrong",
    "Header or image differ from what was built.",
    "build again",
    repairable=True,
)
KERNEL_CANARY = _code(
    "BF116",
    _ERROR,
    "kernel is cut short",
    "The last four bytes of every kernel image are a canary, and here they are not.",
    "build again",
)
MEMORY_OVERLAP = _code(
    "BF117",
    _ERROR,
    "memory regions overlap",
    "Kernel, bss, stack, heap, pools and firmware memory must not share addresses.",
    "make the kernel smaller or change the memory map",
)
LEGACY_KERNEL_TOO_LARGE = _code(
    "BF118",
    _ERROR,
    "legacy kernel is larger than its loader reads",
    "The legacy loader reads 128 sectors, whatever the size of the kernel; the rest is never loaded.",
    "make the kernel smaller, or build an image with a stage-2 descriptor",
)
KERNEL_FAT_TYPE = _code(
    "BF119",
    _WARNING,
    "volume the kernel does not read",
    "BareFlow's kernel reads FAT16; it passes over other volumes.",
    "make the volume with 4,085 to 65,524 clusters",
)
GPT = _code(
    "BF120",
    _ERROR,
    "GUID partition table is damaged",
    "A CRC, a place or a range in one of its two copies is wrong, or the copies differ.",
    "write the table again with sgdisk or the like; it can rebuild one copy from the other",
)

# FAT: boot sector, FSInfo

NO_VOLUME = _code(
    "FAT101",
    _ERROR,
    "boot sector describes no FAT volume",
    "Nothing can be found on the volume without these values. A sound backup exists on FAT32 only.",
    "use --repair where the volume has a sound backup; else set the fields with bfimg set --raw",
    repairable=True,
)
BOOT_FIELD = _code(
    "FAT102",
    _WARNING,
    "boot sector field has an impossible value",
    "Systems differ in whether they mount such a volume.",
    "set the field: bfimg set",
)
VOLUME_TOO_LONG = _code(
    "FAT103",
    _ERROR,
    "volume is longer than its place",
    "Files in the part that is missing cannot be read, and writing damages what follows.",
    "lengthen the region; a cut image must be copied again",
)
CLUSTER_COUNT = _code(
    "FAT104",
    _ERROR,
    "cluster count is that of another FAT type",
    "FAT12 has up to 4,084 clusters, FAT16 4,085 to 65,524, FAT32 more. The count alone decides, so systems that "
    "go by it read the table wrongly.",
    "make the volume with another cluster size",
)
RESERVED_SECTORS = _code(
    "FAT105",
    _ERROR,
    "too few reserved sectors",
    "Raw data, or structures of FAT32, stand where the first FAT is.",
    "make the volume with more reserved sectors",
)
MEDIA = _code(
    "FAT106",
    _WARNING,
    "first FAT entry is wrong",
    "Entry 0 repeats the media descriptor of the boot sector, all other bits set.",
    _REPAIR,
    repairable=True,
)
END_MARK = _code(
    "FAT107",
    _WARNING,
    "second FAT entry is no end mark",
    "Entry 1 is an end mark, apart from its two state bits.",
    _REPAIR,
    repairable=True,
)
DIRTY = _code(
    "FAT108",
    _WARNING,
    "volume was not unmounted cleanly",
    "A system sets this state before it writes, and clears it when it is done.",
    "use --repair; the state is cleared once nothing else is wrong",
    repairable=True,
)
IO_ERRORS = _code(
    "FAT109",
    _WARNING,
    "a system met read or write errors on the volume",
    "Data may have been lost that no structure shows.",
    "compare the files with their originals",
)
LABELS = _code(
    "FAT110",
    _WARNING,
    "labels differ",
    "The label in the root directory counts; the boot sector repeats it.",
    _REPAIR,
    repairable=True,
)
FSINFO = _code(
    "FAT111",
    _WARNING,
    "FSInfo sector is none",
    "Its signatures are wrong, or its place is outside the reserved sectors.",
    _REPAIR,
    repairable=True,
)
FREE_COUNT = _code(
    "FAT112",
    _WARNING,
    "free cluster count is wrong",
    "Systems show it as the free space, without counting.",
    _REPAIR,
    repairable=True,
)
NEXT_FREE = _code(
    "FAT113",
    _WARNING,
    "next free cluster is outside the volume",
    "Systems begin to look there.",
    _REPAIR,
    repairable=True,
)
BACKUP = _code(
    "FAT114",
    _WARNING,
    "backup boot sector differs",
    "When the first one is lost, the backup describes another volume.",
    _REPAIR,
    repairable=True,
)
MIRRORING = _code(
    "FAT115",
    _WARNING,
    "FAT mirroring is off",
    "One copy of the FAT is current, and not every system looks which; bfimg reads the first.",
    "copy the files to a new volume",
)
SMALL_FAT32 = _code(
    "FAT116",
    _WARNING,
    "FAT32 with too few clusters",
    "Below 65,525 clusters the specification knows FAT12 and FAT16 only; some systems do not mount the volume.",
    "make the volume with a smaller cluster size, or as FAT16",
)

# FAT: allocation table and chains

COPIES_DIFFER = _code(
    "FAT201",
    _ERROR,
    "copies of the FAT differ",
    "Only one of them can be right.",
    "use --repair: a copy in which every chain is sound replaces the other",
    repairable=True,
)
LOOP = _code(
    "FAT202",
    _ERROR,
    "chain is a loop",
    "The chain comes back to a cluster of its own.",
    _CUT_OR_REMOVE,
    repairable=True,
)
CROSS_LINK = _code(
    "FAT203",
    _ERROR,
    "chains are cross-linked",
    "Two files or directories have the same cluster: writing to one damages the other.",
    "use --repair where it happens behind the file's end; else copy both, then remove both",
    repairable=True,
)
OUT_OF_RANGE = _code(
    "FAT204",
    _ERROR,
    "chain leaves the volume",
    "It goes on at a number that no cluster has.",
    _CUT_OR_REMOVE,
    repairable=True,
)
INTO_FREE = _code(
    "FAT205",
    _ERROR,
    "chain runs into a free cluster",
    "The cluster may be given to another file at any time.",
    _CUT_OR_REMOVE,
    repairable=True,
)
INTO_BAD = _code(
    "FAT206",
    _ERROR,
    "chain runs into a cluster marked bad",
    "Clusters marked bad belong to no file.",
    _CUT_OR_REMOVE,
    repairable=True,
)
TOO_SHORT = _code(
    "FAT207",
    _ERROR,
    "chain is too short for the size",
    "The end of the file is missing.",
    "use --repair to cut the size; it declines while clusters are lost, which may hold the end",
    repairable=True,
)
TOO_LONG = _code(
    "FAT208",
    _ERROR,
    "chain is too long for the size",
    "Clusters behind the end of the file are taken for nothing.",
    "use --repair to end the chain where the size says",
    repairable=True,
)
LOST = _code(
    "FAT209",
    _WARNING,
    "lost clusters",
    "Clusters are in use, but no file or directory has them.",
    "use --repair to free them; it declines while a file is damaged, as they may be the rest of it",
    repairable=True,
)
ROOT_CHAIN = _code(
    "FAT210",
    _ERROR,
    "root directory has no sound chain",
    "Everything on the volume is found through the root directory.",
    "set part.bpb.root_cluster, or copy the files with a recovery tool",
)

# FAT: directories

BAD_START = _code(
    "FAT301",
    _ERROR,
    "impossible first cluster",
    "No cluster of the volume has this number.",
    "remove the file or directory",
)
HIGH_WORD = _code(
    "FAT302",
    _WARNING,
    "high half of the first cluster on FAT12 or FAT16",
    "The field is for FAT32; where it is not zero, readers differ.",
    _REPAIR,
    repairable=True,
)
DIRECTORY_SIZE = _code(
    "FAT303",
    _WARNING,
    "directory with a size",
    "The size of a directory is written as 0; its chain tells how long it is.",
    _REPAIR,
    repairable=True,
)
BAD_NAME = _code(
    "FAT304",
    _WARNING,
    "name FAT does not allow",
    "Systems may not find or remove such a file.",
    "rename it: bfimg mv",
)
DUPLICATE = _code(
    "FAT305",
    _ERROR,
    "name stands twice in a directory",
    "Only the first is ever found.",
    "rename or remove one of them with another system",
)
DOT_ENTRIES = _code(
    "FAT306",
    _ERROR,
    "directory does not begin with entries for itself and its parent",
    "Every directory but the root begins with `.` and `..`. Without both, it may be a file marked as a directory, and "
    "is not looked into.",
    "copy the files out, remove the directory and make it anew",
)
DOT_CLUSTER = _code(
    "FAT307",
    _ERROR,
    "entry for the directory itself or its parent leads elsewhere",
    "Systems that follow it end up in another directory.",
    _REPAIR,
    repairable=True,
)
ORPHANED_NAME = _code(
    "FAT308",
    _WARNING,
    "part of a long name that belongs to no file",
    "Order or checksum do not fit the 8.3 name behind it. The file has its 8.3 name only.",
    "use --repair to remove it",
    repairable=True,
)
LABEL_ENTRY = _code(
    "FAT309",
    _WARNING,
    "label entry where none may be",
    "A volume has one label, in its root directory.",
    "use --repair to remove it",
    repairable=True,
)
TOO_DEEP = _code(
    "FAT310",
    _WARNING,
    "directories nest too deep",
    "bfimg does not list or change what is deeper than 64 levels.",
    "move the directory up",
)
TOO_MANY_ENTRIES = _code(
    "FAT311",
    _ERROR,
    "directory is too long",
    "A directory has at most 65,536 entries, 2 MiB.",
    "move files to other directories",
)
BEHIND_END = _code(
    "FAT312",
    _WARNING,
    "entries behind the end of the directory",
    "A zero in place of a name ends a directory. Readers that go on see files there, others do not; the clusters of "
    "such files look lost, so --repair frees none.",
    "put the first character of the name back where the zero is, or clear what follows",
)
LONG_NAME_FIELD = _code(
    "FAT313",
    _WARNING,
    "part of a long name with values that are none of it",
    "Type and first cluster are zero in every part; another value means something else to later or older systems.",
    _REPAIR,
    repairable=True,
)
LABEL_DATA = _code(
    "FAT314",
    _ERROR,
    "label that is a file or directory too",
    "A label has no size and no clusters; this may be something whose attributes are damaged.",
    "clear the label bit of its attributes, or its size and first cluster",
)
MARKED_AS_FILE = _code(
    "FAT315",
    _ERROR,
    "directory marked as a file",
    "It has no size, and its cluster begins with `.`, leading to itself, and `..`.",
    _REPAIR,
    repairable=True,
)

# Modules

NO_MODULE = _code(
    "MOD101",
    _ERROR,
    "file is no module",
    "It is called .MOD or .BC, so the kernel tries to load it, but has no module's magic.",
    "put the module there again: bfimg add-module",
)
MODULE_HEADER = _code(
    "MOD102",
    _ERROR,
    "module header is wrong",
    "The kernel refuses the module.",
    "put the module there again: bfimg add-module",
)
MODULE_LENGTH = _code(
    "MOD103",
    _ERROR,
    "module has another length than its header says",
    "The kernel refuses the module.",
    "put the module there again: bfimg add-module",
)
MODULE_CRC = _code(
    "MOD104",
    _ERROR,
    "CRC of the module is wrong",
    "The file is damaged, or was changed without its CRC.",
    "put the module there again: bfimg add-module",
)
MODULE_UNWRAPPED = _code(
    "MOD105",
    _WARNING,
    "bitcode without a module header",
    "The kernel passes over it.",
    "wrap it: bfimg add-module",
)
MODULE_LEGACY = _code(
    "MOD106",
    _WARNING,
    "version-1 module header",
    "The kernel reads version 2, which LLVM's tools open as well.",
    "wrap it again: bfimg add-module",
)
MODULE_TOO_LARGE = _code(
    "MOD107",
    _ERROR,
    "module is too large",
    "The kernel's file buffer is smaller than the file.",
    "make the module smaller",
)
MODULE_TABLE = _code(
    "MOD108",
    _ERROR,
    "table of a native module is wrong",
    "The kernel refuses the module.",
    "put the module there again: bfimg add-module",
)
MODULE_FEATURES = _code(
    "MOD109",
    _WARNING,
    "module needs more of the CPU than the kernel",
    "The kernel starts on CPUs that cannot run the module, and refuses the module there.",
    "build the module for fewer features: bfimg add-module --native",
)

# JIT cache: the kernel ignores what is damaged and compiles again, so nothing here is an error.

_WRITE_AGAIN = "let the kernel write it again: bfimg boot --keep-writes --config cache=yes"

CACHE_SUPERBLOCK = _code(
    "JIT101",
    _WARNING,
    "superblock of the cache is damaged",
    "The kernel uses the other one, or starts with an empty cache.",
    _WRITE_AGAIN,
)
CACHE_INDEX = _code(
    "JIT102",
    _WARNING,
    "index of the cache is damaged",
    "The kernel starts with an empty cache.",
    _WRITE_AGAIN,
)
CACHE_ENTRY = _code(
    "JIT103",
    _WARNING,
    "entry of the cache is damaged",
    "The kernel ignores it and compiles the function again.",
    _WRITE_AGAIN,
)
CACHE_EXTENT = _code(
    "JIT104",
    _WARNING,
    "code of the cache outside its place",
    "The code leaves the region or shares sectors with another entry's.",
    _WRITE_AGAIN,
)
CACHE_CODE = _code(
    "JIT105",
    _WARNING,
    "code in the cache is damaged",
    "Its CRC is wrong; the kernel ignores the entry.",
    _WRITE_AGAIN,
)
