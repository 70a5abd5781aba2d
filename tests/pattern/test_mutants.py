"""Damaged programs are refused, or run to an answer or a trap within their arena.

The CRCs are made right again, so that every other check has to hold. The seed is fixed; BFIMG_TEST_MUTANTS sets how
many (`make test-long` runs 100,000).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

from bfimg.errors import FormatError
from bfimg.formats.crc import CRC32
from bfimg.formats.pattern import PatternType
from bfimg.formats.pattern_program import ProgramHeader
from bfimg.pattern.encode import encode_program
from bfimg.pattern.fixed import fixed_program
from bfimg.pattern.interpret import Machine
from bfimg.pattern.program import Program

# Read when the module is imported: a fixture clears BFIMG_ variables for the tests.
MUTANTS = int(os.environ.get("BFIMG_TEST_MUTANTS", "1000"))
FUEL = 2000


def sealed(data: bytes) -> bytes:
    """The program with CRCs that fit its bytes."""
    body = data[ProgramHeader.SIZE :]
    return ProgramHeader.parse(data).replace(body_crc=CRC32.compute(body)).sealed().packed() + body


def mutant(random: Random, data: bytes) -> bytes:
    """One to three bits flipped, or one word changed, or cut off."""
    changed = bytearray(data)
    if random.random() < 0.05:
        return bytes(changed[: random.randrange(len(data))])
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        place = random.randrange(len(data))
        if random.random() < 0.2:
            place -= place % 4
            changed[place : place + 4] = random.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, random.getrandbits(32)]).to_bytes(
                4, "little"
            )
        else:
            changed[place] ^= 1 << random.randrange(8)
    return sealed(bytes(changed))


def test_mutants_are_refused_or_run_to_an_end(random_program: Callable[[Random], Program]) -> None:
    random = Random(20)
    fixed = [encode_program(fixed_program(kind)) for kind in PatternType if kind is not PatternType.CUSTOM]
    refused = ended = 0
    for number in range(MUTANTS):
        data = random.choice(fixed) if number % 4 == 0 else encode_program(random_program(random))
        try:
            machine = Machine(mutant(random, data))
        except FormatError as error:
            assert error.hint or "truncated" in error.message
            refused += 1
            continue
        size = len(machine.memory)
        signature = machine.program.functions[machine.program.entry].signature
        outcome = machine.call([random.choice([0, 1, 20, 0xFFFFFFFF]) for _ in signature.parameters], fuel=FUEL)
        assert len(machine.memory) == size
        assert outcome.stop is not None or (outcome.value is None) == (not signature.result)
        ended += 1
    assert refused > MUTANTS // 4 and ended > MUTANTS // 10


def test_random_programs_run_to_an_end(random_program: Callable[[Random], Program]) -> None:
    for seed in range(200):
        machine = Machine(encode_program(random_program(Random(seed))))
        for number, function in enumerate(machine.program.functions):
            machine.call([3] * len(function.signature.parameters), function=number, fuel=FUEL)
        assert len(machine.memory) == machine.program.arena_size
