"""LLVM's part of the lowering: bitcode in, optimised assembly out. Runs in this process; see `isolate.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bfimg.bitcode.constructors import call_constructors
from bfimg.errors import FormatError, ToolError

TRIPLE = "i686-unknown-none-elf"
_FEATURES = "+sse2"
# clang -O0 forbids LLVM to optimise what it has compiled.
_UNOPTIMISED = re.compile(r"^(attributes #\d+ = \{.*)\bnoinline\b(.*)\boptnone\b", re.MULTILINE)


def llvm_binding() -> Any:
    """llvmlite's binding. Raises ToolError when it is not installed."""
    try:
        import llvmlite.binding
    except ImportError:
        raise ToolError(
            "lowering bitcode needs llvmlite, which is not installed",
            hint="install it with: python -m pip install 'bfimg[llvm]'",
        ) from None
    return llvmlite.binding


def optimise(bitcode: bytes, keep: Sequence[str]) -> str:
    """The module's assembly after LLVM's passes: inlined, scalars out of memory, no unrolling, no vectors made.

    keep: functions that stay callable; others may go. Raises FormatError when LLVM cannot read the bitcode or finds
    it inconsistent, ToolError without llvmlite. Damaged bitcode can end the process.
    """
    llvm = llvm_binding()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    # A context of its own: in the global one, names of structures would get suffixes.
    context = llvm.create_context()
    try:
        module = llvm.parse_bitcode(bitcode, context)
        module = _prepared(llvm, module, context, keep)
        module.verify()
    except RuntimeError as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        raise FormatError(f"LLVM cannot read the bitcode: {first.strip()}", hint="compile it again") from None
    _run_passes(llvm, module)
    return str(module)


def _prepared(llvm: Any, module: Any, context: Any, keep: Sequence[str]) -> Any:
    """The module with everything internal but what is kept, free to be optimised, constructors called at entry."""
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name not in keep and not value.name.startswith("llvm."):
            value.linkage = "internal"
    text = str(module)
    changed = call_constructors(_UNOPTIMISED.sub(r"\1\2", text), keep)
    return module if changed == text else llvm.parse_assembly(changed, context)


def _run_passes(llvm: Any, module: Any) -> None:
    target = llvm.Target.from_triple(TRIPLE)
    machine = target.create_target_machine(cpu="i686", features=_FEATURES, codemodel="default", reloc="static")
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = False
    options.loop_interleaving = False
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    plain = llvm.create_new_module_pass_manager()
    plain.add_lower_atomic_pass()
    plain.run(module, builder)
    builder.getModulePassManager().run(module, builder)
