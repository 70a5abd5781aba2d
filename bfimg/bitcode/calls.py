"""Calls through pointers, and how deep calls can nest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bfimg.bitcode.ir import Composite, Expression, GlobalName, Module, Value
from bfimg.bitcode.machine import MachineBlock, MachineFunction, Node
from bfimg.bitcode.select import Linkage, Signature, signature_of
from bfimg.bitcode.select_control import signature_name
from bfimg.formats.pattern_ops import Op
from bfimg.formats.pattern_program import MAX_CALL_DEPTH
from bfimg.pattern.program import Function

# A recursive program gets at least so many nested calls, and more as far as its frames fit in so much stack.
_LEAST_DEPTH = 64
_RECURSION_STACK = 128 * 1024
_NO_FUNCTION = "no.function"


def dispatch_tables(module: Module) -> tuple[dict[Signature, list[str]], dict[str, int]]:
    """Functions whose address is taken, by signature; and the number, from 1, that stands for each as a pointer."""
    tables: dict[Signature, list[str]] = {}
    entries: dict[str, int] = {}
    for name in dict.fromkeys(_taken(module)):
        function = module.functions[name]
        if function.type.variadic or not function.blocks:
            continue
        table = tables.setdefault(signature_of(function.type.result, function.type.parameters), [])
        table.append(name)
        entries[name] = len(table)
    return tables, entries


def _taken(module: Module) -> Iterator[str]:
    for variable in module.variables.values():
        if variable.initial is not None:
            yield from _functions_in(module, variable.initial)
    for alias in module.aliases.values():
        yield from _functions_in(module, alias)
    for function in module.functions.values():
        for block in function.blocks:
            for instruction in block.instructions:
                operands = instruction.operands
                called = instruction.opcode == "call" and isinstance(operands[-1], GlobalName)
                for operand in operands[:-1] if called else operands:
                    yield from _functions_in(module, operand)


def _functions_in(module: Module, value: Value) -> Iterator[str]:
    if isinstance(value, GlobalName):
        if value.name in module.functions:
            yield value.name
    elif isinstance(value, Composite):
        for element in value.elements:
            yield from _functions_in(module, element)
    elif isinstance(value, Expression):
        for operand in value.operands:
            yield from _functions_in(module, operand)


def stub_functions(linkage: Linkage) -> list[MachineFunction]:
    """A function that traps for each signature that is called though no function of it can be pointed to."""
    stubs = []
    for signature, names in linkage.tables.items():
        if names:
            continue
        stub = MachineFunction(f"{_NO_FUNCTION}.{signature_name(signature)}", *signature)
        stub.parameters = [stub.register(type) for type in signature[1]]
        stub.blocks = [MachineBlock("entry", nodes=[Node(Op.TRAP)])]
        names.append(stub.name)
        stubs.append(stub)
    return stubs


def stack_needs(
    machines: Sequence[MachineFunction], linkage: Linkage, functions: Sequence[Function]
) -> tuple[int, int]:
    """How many calls can nest, and the bytes of stack for that: the largest frame for each."""
    tables = {signature_name(signature): names for signature, names in linkage.tables.items()}
    callees: dict[str, set[str]] = {}
    for machine in machines:
        called = callees.setdefault(machine.name, set())
        for block in machine.blocks:
            for node in block.nodes:
                if node.op is Op.CALL:
                    called.add(node.callee)
                elif node.op is Op.CALL_INDIRECT:
                    called.update(tables[node.callee])
    frame = max(function.frame_bytes for function in functions)
    depth = _longest_chain(callees)
    if depth is None:
        depth = MAX_CALL_DEPTH if frame == 0 else max(_LEAST_DEPTH, min(MAX_CALL_DEPTH, _RECURSION_STACK // frame))
    return depth, frame * depth


def _longest_chain(callees: dict[str, set[str]]) -> int | None:
    """Functions in the longest chain of calls; None when a chain comes back to where it has been."""
    depths: dict[str, int] = {}
    for start in callees:
        stack = [start]
        open_: set[str] = set()
        while stack:
            name = stack[-1]
            if name in depths:
                stack.pop()
                continue
            open_.add(name)
            missing = [other for other in callees[name] if other not in depths]
            if any(other in open_ for other in missing):
                return None
            if missing:
                stack.extend(missing)
            else:
                depths[name] = 1 + max((depths[other] for other in callees[name]), default=0)
                stack.pop()
                open_.discard(name)
    return min(max(depths.values(), default=1), int(MAX_CALL_DEPTH))
