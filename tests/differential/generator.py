"""Writes random C programs whose result is defined: the same source gives the same number on every machine.

No undefined behaviour is left to chance: signed overflow wraps (-fwrapv), shift counts and indices are masked,
divisors are made odd, floats are converted to integers only within range, sizes do not depend on the pointer's.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

INTEGERS = {
    "int8_t": 8,
    "uint8_t": 8,
    "int16_t": 16,
    "uint16_t": 16,
    "int32_t": 32,
    "uint32_t": 32,
    "int64_t": 64,
    "uint64_t": 64,
}
FLOATS = ("float", "double")
TYPES = (*INTEGERS, *FLOATS)
ARRAY_LENGTH = 16

PRELUDE = """#include <stdint.h>
static uint32_t mix(uint32_t h, uint64_t v) {
    h = (h << 5 | h >> 27) ^ (uint32_t)v;
    return (h * 0x9E3779B1u) ^ (uint32_t)(v >> 32);
}
static uint32_t mix_float(uint32_t h, float v) {
    union { float f; uint32_t u; } bits = {v};
    return mix(h, v != v ? 1 : bits.u);
}
static uint32_t mix_double(uint32_t h, double v) {
    union { double f; uint64_t u; } bits = {v};
    return mix(h, v != v ? 1 : bits.u);
}
static int64_t whole(double v) { return v > -1e9 && v < 1e9 ? (int64_t)v : 7; }
static int32_t whole32(double v) { return v > -1e9 && v < 1e9 ? (int32_t)v : 5; }
static uint32_t whole_u32(double v) { return v > -0.5 && v < 4e9 ? (uint32_t)v : 3; }
static uint32_t whole_float(float v) { return v > -0.5f && v < 4e9f ? (uint32_t)v : 9; }
struct part { int8_t a; int64_t b; uint16_t c; float d; };
struct whole { uint8_t tag; struct part part; double value; uint32_t words[4]; };
"""


@dataclass
class Scope:
    """Variables that an expression may use: name and type."""

    variables: list[tuple[str, str]] = field(default_factory=list)
    constants: list[tuple[str, str]] = field(default_factory=list)
    arrays: list[tuple[str, str]] = field(default_factory=list)
    structures: list[str] = field(default_factory=list)
    depth: int = 0
    loops: int = 0


class Generator:
    """Writes one program with the entry ``<name>(uint32_t)``."""

    def __init__(self, seed: int, name: str) -> None:
        self.random = random.Random(seed)
        self.name = name
        self.lines: list[str] = []
        self.functions: list[tuple[str, str, list[str]]] = []
        self.counter = 0

    def fresh(self, stem: str) -> str:
        self.counter += 1
        return f"{stem}{self.counter}"

    def number(self, type: str) -> str:
        pick = self.random.choice
        if type in FLOATS:
            value = pick(["0.0", "1.0", "-1.5", "3.25", "1e10", "-2.0e-3", "0.1", "123456.75"])
            return value + ("f" if type == "float" else "")
        bits = INTEGERS[type]
        edge = [0, 1, 2, 3, 5, 7, 31, 100, (1 << bits) - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1]
        value = pick([*edge, self.random.getrandbits(bits), self.random.getrandbits(6)])
        return f"(({type}){value & (1 << bits) - 1}u{'ll' if bits == 64 else ''})"

    def leaf(self, type: str, scope: Scope) -> str:
        known = scope.variables + scope.constants
        if known and self.random.random() < 0.6:
            name, other = self.random.choice(known)
            return name if other == type else self.convert(name, other, type)
        if scope.arrays and self.random.random() < 0.5:
            name, other = self.random.choice(scope.arrays)
            index = self.random.choice([n for n, t in known if t in INTEGERS] or ["3"])
            return self.convert(f"{name}[(uint32_t){index} & {ARRAY_LENGTH - 1}]", other, type)
        if scope.structures and self.random.random() < 0.5:
            path, other = self.field()
            return self.convert(f"{self.random.choice(scope.structures)}{path}", other, type)
        return self.number(type)

    def field(self) -> tuple[str, str]:
        return self.random.choice(
            [
                (".tag", "uint8_t"),
                (".part.a", "int8_t"),
                (".part.b", "int64_t"),
                (".part.c", "uint16_t"),
                (".part.d", "float"),
                (".value", "double"),
                (f".words[{self.random.randrange(4)}]", "uint32_t"),
            ]
        )

    def convert(self, text: str, source: str, target: str) -> str:
        if source == target:
            return text
        if source in FLOATS and target in INTEGERS:
            helper = "whole" if INTEGERS[target] == 64 else self.random.choice(["whole32", "whole_u32"])
            if source == "float" and helper == "whole_u32":
                helper = "whole_float"
            return f"(({target}){helper}({text}))"
        return f"(({target}){text})"

    def expression(self, type: str, scope: Scope, depth: int) -> str:
        if depth <= 0:
            return self.leaf(type, scope)
        kind = self.random.random()
        if kind < 0.12:
            other = self.random.choice(TYPES)
            return self.convert(self.expression(other, scope, depth - 1), other, type)
        if kind < 0.2:
            condition = self.condition(scope, depth - 1)
            then, other = (self.expression(type, scope, depth - 1) for _ in range(2))
            return f"({condition} ? {then} : {other})"
        if kind < 0.27 and self.functions and scope.loops < 2:
            return self.call(type, scope, depth)
        if type in FLOATS:
            return self.float_expression(type, scope, depth)
        return self.integer_expression(type, scope, depth)

    def float_expression(self, type: str, scope: Scope, depth: int) -> str:
        left, right = (self.expression(type, scope, depth - 1) for _ in range(2))
        operator = self.random.choice("+-*/+-*")
        if self.random.random() < 0.1:
            return f"(- {left})"
        if self.random.random() < 0.1:
            return f"({left} {self.random.choice('<>')} {right} ? {left} : {right})"
        return f"({left} {operator} {right})"

    def integer_expression(self, type: str, scope: Scope, depth: int) -> str:
        bits = INTEGERS[type]
        left, right = (self.expression(type, scope, depth - 1) for _ in range(2))
        kind = self.random.random()
        if kind < 0.5:
            return f"(({type})({left} {self.random.choice('+-*&|^')} {right}))"
        if kind < 0.65:
            mask = bits - 1
            return f"(({type})({left} {self.random.choice(['<<', '>>'])} ({right} & {mask})))"
        if kind < 0.75:
            wide = "uint64_t" if bits == 64 else "uint32_t"
            signed = type.startswith("int") and bits < 32
            divisor = f"(({right} & 0x3F) | 1)"
            operator = self.random.choice("/%")
            return (
                f"(({type})({left} {operator} {divisor}))"
                if signed
                else f"(({type})(({wide}){left} {operator} {divisor}))"
            )
        if kind < 0.85:
            unsigned = type if type.startswith("u") else f"u{type}"
            count = self.random.randrange(1, bits)
            return f"(({type})(({unsigned})({unsigned}){left} << {count} | ({unsigned}){left} >> {bits - count}))"
        if kind < 0.93:
            builtin = self.random.choice(["popcount", "bswap32", "clz", "ctz", "popcountll", "bswap64"])
            argument = f"(uint64_t){left}" if builtin.endswith(("ll", "64")) else f"((uint32_t){left} | 1)"
            return f"(({type})__builtin_{builtin}({argument}))"
        return f"(({type}){self.random.choice('-~')} {left})"

    def condition(self, scope: Scope, depth: int) -> str:
        type = self.random.choice(TYPES)
        left, right = (self.expression(type, scope, depth - 1) for _ in range(2))
        text = f"({left} {self.random.choice(['<', '<=', '>', '>=', '==', '!='])} {right})"
        if depth > 1 and self.random.random() < 0.3:
            return f"({text} {self.random.choice(['&&', '||'])} {self.condition(scope, depth - 1)})"
        return text

    def call(self, type: str, scope: Scope, depth: int) -> str:
        name, result, parameters = self.random.choice(self.functions)
        arguments = ", ".join(self.expression(p, scope, min(1, depth - 1)) for p in parameters)
        return self.convert(f"{name}({arguments})", result, type)

    def statement(self, scope: Scope, indent: str, budget: int) -> None:
        kind = self.random.random()
        if kind < 0.35 or budget <= 0:
            name, type = self.random.choice(scope.variables)
            self.lines.append(f"{indent}{name} = {self.expression(type, scope, 3)};")
        elif kind < 0.5 and scope.arrays:
            name, type = self.random.choice(scope.arrays)
            index = self.expression("uint32_t", scope, 1)
            operator = self.random.choice(["=", "+=", "="]) if type not in ("float", "double") else "="
            value = self.expression(type, scope, 2)
            self.lines.append(f"{indent}{name}[{index} & {ARRAY_LENGTH - 1}] {operator} {value};")
        elif kind < 0.58 and scope.structures:
            path, type = self.field()
            value = self.expression(type, scope, 2)
            self.lines.append(f"{indent}{self.random.choice(scope.structures)}{path} = {value};")
        elif kind < 0.62 and len(scope.structures) > 1:
            first, second = self.random.sample(scope.structures, 2)
            self.lines.append(f"{indent}{first} = shuffle_{self.name}({second}, {self.leaf('uint32_t', scope)});")
        elif kind < 0.75:
            self.lines.append(f"{indent}if ({self.condition(scope, 2)}) {{")
            self.block(scope, indent, budget - 1)
            self.lines.append(f"{indent}}} else {{")
            self.block(scope, indent, budget - 1)
            self.lines.append(f"{indent}}}")
        elif kind < 0.9 and scope.loops < 2:
            self.loop(scope, indent, budget)
        else:
            self.switch(scope, indent, budget)

    def loop(self, scope: Scope, indent: str, budget: int) -> None:
        counter, count = self.fresh("i"), self.random.randrange(2, 9)
        type = self.random.choice(["int32_t", "uint32_t", "uint8_t", "int16_t", "int64_t"])
        self.lines.append(f"{indent}for ({type} {counter} = 0; {counter} < {count}; {counter}++) {{")
        inner = Scope(scope.variables, [*scope.constants, (counter, type)], scope.arrays, scope.structures)
        inner.loops = scope.loops + 1
        self.block(inner, indent, budget - 1)
        if self.random.random() < 0.3:
            word = self.random.choice(["break", "continue"])
            self.lines.append(f"{indent}    if ({self.condition(inner, 1)}) {word};")
            self.block(inner, indent, 0)
        self.lines.append(f"{indent}}}")

    def switch(self, scope: Scope, indent: str, budget: int) -> None:
        type = self.random.choice(["uint32_t", "int32_t", "uint8_t", "int64_t"])
        spread = self.random.choice([1, 1, 17])
        mask = self.random.choice([7, 15])
        self.lines.append(f"{indent}switch (({type})({self.expression(type, scope, 2)} & {mask}) * {spread}) {{")
        for case in sorted(self.random.sample(range(mask + 1), self.random.randrange(2, mask))):
            self.lines.append(f"{indent}case {case * spread}:")
            self.block(scope, indent, 0)
            if self.random.random() < 0.8:
                self.lines.append(f"{indent}    break;")
        self.lines.append(f"{indent}default:")
        self.block(scope, indent, 0)
        self.lines.append(f"{indent}}}")

    def block(self, scope: Scope, indent: str, budget: int) -> None:
        for _ in range(self.random.randrange(1, 3)):
            self.statement(scope, indent + "    ", budget)

    def function(self) -> None:
        name = f"{self.fresh('f')}_{self.name}"
        result = self.random.choice(TYPES)
        parameters = [self.random.choice(TYPES) for _ in range(self.random.randrange(1, 5))]
        scope = Scope([(f"p{place}", type) for place, type in enumerate(parameters)])
        declared = ", ".join(f"{type} p{place}" for place, type in enumerate(parameters))
        inline = self.random.choice(["", "__attribute__((noinline)) "])
        self.lines.append(f"static {inline}{result} {name}({declared}) {{")
        for _ in range(self.random.randrange(1, 4)):
            type = self.random.choice(TYPES)
            local = self.fresh("v")
            self.lines.append(f"    {type} {local} = {self.expression(type, scope, 2)};")
            scope.variables.append((local, type))
        scope.arrays = self.arrays
        scope.loops = 1
        for _ in range(self.random.randrange(1, 4)):
            self.statement(scope, "    ", 1)
        self.lines.append(f"    return {self.expression(result, scope, 2)};\n}}")
        self.functions.append((name, result, parameters))

    def program(self) -> str:
        """The text of the program, without the prelude."""
        self.arrays = [(f"g{place}_{self.name}", self.random.choice(TYPES)) for place in range(3)]
        for name, type in self.arrays:
            values = ", ".join(self.number(type) for _ in range(self.random.choice([1, 5, ARRAY_LENGTH])))
            self.lines.append(f"static {type} {name}[{ARRAY_LENGTH}] = {{{values}}};")
        self.lines.append(
            f"static struct whole shuffle_{self.name}(struct whole w, uint32_t n) {{\n"
            "    w.words[n & 3] += n; w.part.b ^= w.tag; w.value += n & 255; w.part.a -= 3;\n    return w;\n}"
        )
        self.lines.append(
            f"static uint32_t again_{self.name}(uint32_t n, uint32_t m) {{\n"
            f"    return n == 0 ? m : again_{self.name}(n - 1, m * 3 + n) ^ m;\n}}"
        )
        self.functions.append((f"again_{self.name}_of", "uint32_t", ["uint8_t", "uint32_t"]))
        self.lines.append(
            f"static uint32_t again_{self.name}_of(uint8_t n, uint32_t m) {{ return again_{self.name}(n & 15, m); }}"
        )
        self.table()
        for _ in range(self.random.randrange(2, 5)):
            self.function()
        self.entry()
        return "\n".join(self.lines) + "\n"

    def table(self) -> None:
        names = []
        for number in range(4):
            name = f"t{number}_{self.name}"
            body = self.integer_expression("int32_t", Scope([("a", "int32_t"), ("b", "int16_t")]), 2)
            self.lines.append(f"static int32_t {name}(int32_t a, int16_t b) {{ return {body}; }}")
            names.append(name)
        self.lines.append(f"static int32_t (*const table_{self.name}[4])(int32_t, int16_t) = {{{', '.join(names)}}};")
        self.lines.append(
            f"static int32_t pick_{self.name}(uint8_t k, int32_t a, int16_t b) {{\n"
            f"    return table_{self.name}[k & 3](a, b);\n}}"
        )
        self.functions.append((f"pick_{self.name}", "int32_t", ["uint8_t", "int32_t", "int16_t"]))

    def entry(self) -> None:
        scope = Scope([], [("n", "uint32_t")], list(self.arrays), ["s", "t"])
        self.lines.append(f"uint32_t {self.name}(uint32_t n) {{\n    uint32_t h = 0;")
        self.lines.append("    struct whole s = {1, {2, 3, 4, 5.5f}, 6.25, {7, 8, 9, n}}, t = s;")
        for place in range(self.random.randrange(4, 9)):
            type = self.random.choice(TYPES)
            value = self.expression(type, Scope([], [("n", "uint32_t")]), 2)
            self.lines.append(f"    {type} v{place} = {value};")
            scope.variables.append((f"v{place}", type))
        local = self.random.choice(TYPES)
        self.lines.append(f"    {local} local[{ARRAY_LENGTH}];")
        self.lines.append(f"    for (int i = 0; i < {ARRAY_LENGTH}; i++) local[i] = ({local})(i * (int)(n & 15));")
        scope.arrays.append(("local", local))
        for _ in range(self.random.randrange(4, 10)):
            self.statement(scope, "    ", 2)
        for name, type in scope.variables:
            self.lines.append(f"    h = {self.mixed(name, type)};")
        for name, type in scope.arrays:
            self.lines.append(f"    for (int i = 0; i < {ARRAY_LENGTH}; i++) h = {self.mixed(f'{name}[i]', type)};")
        for name in scope.structures:
            for path, type in [
                (".tag", "uint8_t"),
                (".part.a", "int8_t"),
                (".part.b", "int64_t"),
                (".value", "double"),
            ]:
                self.lines.append(f"    h = {self.mixed(name + path, type)};")
        self.lines.append("    return h;\n}")

    def mixed(self, name: str, type: str) -> str:
        if type in FLOATS:
            return f"mix_{type}(h, {name})"
        return f"mix(h, (uint64_t){name})"


def program(seed: int, name: str) -> str:
    """A random program with the entry `name`; the same seed gives the same text."""
    return Generator(seed, name).program()
