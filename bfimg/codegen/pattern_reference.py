"""The reference page of pattern programs, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from bfimg.formats.pattern_helpers import Helper
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_types import Slot, Tail, Trap, ValueType

_TAILS = {
    Tail.NONE: "nothing",
    Tail.WORD: "32-bit number `k`",
    Tail.LONG: "64-bit number `k`, lower half first",
    Tail.ADDRESS: "bit 0: base counts; bit 1: index counts; bits 2-3: shift; bits 4-31: signed displacement",
    Tail.CONDITION: "condition",
    Tail.FLOAT_CONDITION: "float condition",
    Tail.COMPARE: "condition in bits 0-7, i32 registers in bits 8-15 and 16-23",
    Tail.COMPARE_IMMEDIATE: "condition in bits 0-7, i32 register in bits 8-15, signed number in bits 16-23",
    Tail.TARGETS: "block if true in bits 0-15, block if false in bits 16-31",
    Tail.WORD_TARGETS: "32-bit number `k`; then a word as for TARGETS",
    Tail.SWITCH: "default block, then the blocks for 0, 1 and so on, two in a word",
    Tail.ARGUMENTS: "registers, four in a word",
}
_TRAPS = {
    Trap.DIVIDE: "division by zero, or of the smallest number by -1",
    Trap.MEMORY: "address below 16, or behind the arena",
    Trap.INDIRECT_CALL: "a function pointer that its table has not",
    Trap.CALL_DEPTH: "more nested calls than the header says",
    Trap.CODE: "a TRAP operation",
    Trap.TIME: "more operations than it was given, or time over",
}


def pattern_reference() -> str:
    """Text of ``docs/pattern-programs.md``."""
    lines = [
        "# Pattern programs",
        "",
        "Made by `bfimg formats ops` from the tables in `formats/`. A pattern program is what the kernel compiles: a",
        "typed register bytecode that one linear pass verifies. The container is in",
        "[formats.md](formats.md#formatspattern_programpy); text and assembler are those of",
        "`bfimg/pattern/disassemble.py`.",
        "",
        "## Rules",
        "",
        "- Code is a sequence of little-endian 32-bit words. Bits 0-7 of an instruction's first word are the",
        "  operation, then come three slots of eight bits: register, number, condition. Two may hold 16 bits together.",
        "  What follows the first word is the tail. Unused bits are zero.",
        "- Registers are typed and zero at entry; at most 255 a function, numbered i32 first, then i64, f32, f64.",
        "  Parameters arrive in the first registers of their type.",
        "- A block ends in a control operation and nowhere else; the next one begins behind it. Targets are block",
        "  numbers of the same function.",
        "- Integers wrap. Shift and rotate counts are modulo the width. Pointers are i32 offsets in the arena;",
        "  addresses wrap modulo 2^32, then an access below 16 or behind the arena traps. Any alignment will do.",
        "- f32 and f64 are IEEE 754, rounded to nearest even. A NaN stays a NaN; its sign and payload are not defined.",
        "- A function pointer is 1 for the first entry of its table. 0 is no function.",
        "- A frame begins at a multiple of 16 and is not cleared. The stack grows down from the arena's end.",
        "",
        "## Traps",
        "",
        "| number | name | when |",
        "|---:|---|---|",
    ]
    lines += [f"| {trap:d} | {trap.name} | {_TRAPS[trap]} |" for trap in Trap]
    lines += ["", "## Tails", "", "| number | name | what follows the first word |", "|---:|---|---|"]
    lines += [f"| {tail:d} | {tail.name} | {_TAILS[tail]} |" for tail in Tail]
    lines += [
        "",
        "## Operations",
        "",
        "`d` is the register written, `a`, `b`, `c` are those read in the order of the slots, `k` is the number.",
        "",
        "| number | name | slots | tail | effect |",
        "|---:|---|---|---|---|",
    ]
    lines += [f"| {op:#04x} | `{op.mnemonic}` | {_slots(op)} | {_tail(op)} | {_cell(op.meaning)} |" for op in Op]
    lines += ["", "## Helpers", "", "| number | name | signature | effect |", "|---:|---|---|---|"]
    for helper in Helper:
        parameters = ", ".join(_type(kind) for kind in helper.parameters)
        signature = f"({parameters}) -> {_type(helper.result)}"
        lines.append(f"| {helper:d} | {helper.name} | {signature} | {_cell(helper.meaning)} |")
    return "\n".join(lines) + "\n"


def _type(kind: ValueType) -> str:
    return kind.name.lower()


def _tail(op: Op) -> str:
    return op.tail.name if op.tail else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _slots(op: Op) -> str:
    """What the slots hold, without zeros behind the last."""
    names = list(_slot_names(op))
    while names and names[-1] == "0":
        names.pop()
    return " ".join(names)


def _slot_names(op: Op) -> Iterator[str]:
    for slot in op.slots:
        if slot is Slot.NONE:
            yield "0"
        elif slot.type:
            yield f"d:{_type(slot.type)}" if slot.writes else _type(slot.type)
        elif slot is not Slot.HIGH:
            yield slot.name.lower()
