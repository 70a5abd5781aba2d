"""BareFlow's fixed patterns as programs: they take the way of every other program.

The entry takes the two parameters of the pattern descriptor; arithmetic is modulo 2^32.
"""

from __future__ import annotations

from bfimg.errors import UsageError
from bfimg.formats.pattern import PatternDescriptor, PatternType
from bfimg.pattern.assemble import assemble
from bfimg.pattern.encode import encode_program
from bfimg.pattern.interpret import DEFAULT_FUEL, Outcome, run
from bfimg.pattern.program import Program

_HEAD = "program entry @{name}, arena 32, stack 0, data_end 16, depth 1\n"
_FUNCTION = 'function "{name}" (i32, i32) -> i32, registers 4 0 0 0, frame 0\n'

# r0 and r1 are the parameters; r2 and r3 begin as zero.
_BODIES = {
    # The r0-th Fibonacci number; the 0th is 0, the first is 1.
    PatternType.FIBONACCI: """
        b0, depth 0:
          const.i32.16 r1, 1
          branch.i32.imm8 eq, r0, 0, b2, b1
        b1, depth 1:
          add.i32 r3, r2, r1
          move.i32 r2, r1
          move.i32 r1, r3
          add.i32.imm8 r0, r0, -1
          branch.i32.imm8 ne, r0, 0, b1, b2
        b2, depth 0:
          return.value r2
        """,
    # 1 + 2 + ... + r0.
    PatternType.SUM: """
        b0, depth 0:
          branch.i32.imm8 eq, r0, 0, b2, b1
        b1, depth 1:
          add.i32 r2, r2, r0
          add.i32.imm8 r0, r0, -1
          branch.i32.imm8 ne, r0, 0, b1, b2
        b2, depth 0:
          return.value r2
        """,
    # 1 * 2 * ... * r0; 1 for 0.
    PatternType.FACTORIAL: """
        b0, depth 0:
          const.i32.16 r2, 1
          branch.i32.imm8 eq, r0, 0, b2, b1
        b1, depth 1:
          mul.i32 r2, r2, r0
          add.i32.imm8 r0, r0, -1
          branch.i32.imm8 ne, r0, 0, b1, b2
        b2, depth 0:
          return.value r2
        """,
    # r0 to the power of r1; 1 for the power of 0.
    PatternType.POWER: """
        b0, depth 0:
          const.i32.16 r2, 1
          branch.i32.imm8 eq, r1, 0, b2, b1
        b1, depth 1:
          mul.i32 r2, r2, r0
          add.i32.imm8 r1, r1, -1
          branch.i32.imm8 ne, r1, 0, b1, b2
        b2, depth 0:
          return.value r2
        """,
    # r1 added r0 times to 0.
    PatternType.LOOP_ADD: """
        b0, depth 0:
          branch.i32.imm8 eq, r0, 0, b2, b1
        b1, depth 1:
          add.i32 r2, r2, r1
          add.i32.imm8 r0, r0, -1
          branch.i32.imm8 ne, r0, 0, b1, b2
        b2, depth 0:
          return.value r2
        """,
}


def fixed_program(kind: PatternType) -> Program:
    """The program of a fixed pattern. Raises UsageError for CUSTOM, which brings its own."""
    if kind not in _BODIES:
        raise UsageError(f"{kind.name.lower()} is no fixed pattern", hint="use its program")
    name = kind.name.lower()
    return assemble((_HEAD + _FUNCTION).format(name=name) + _BODIES[kind])


def run_fixed(descriptor: PatternDescriptor, *, fuel: int = DEFAULT_FUEL) -> Outcome:
    """Run the fixed pattern of a descriptor with its parameters."""
    program = encode_program(fixed_program(PatternType(descriptor.type)))
    return run(program, (descriptor.param1, descriptor.param2), fuel=fuel)
