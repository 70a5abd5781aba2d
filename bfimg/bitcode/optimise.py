"""LLVM's part: bitcode in, optimised assembly out."""
from __future__ import annotations
import re
from collections.abc import Sequence
def optimise(bitcode: bytes, keep: Sequence[str]) -> str:
    import llvmlite.binding as llvm
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    context = llvm.create_context()
    module = llvm.parse_bitcode(bitcode, context)
    for function in module.functions:
        if not function.is_declaration and function.name not in keep:
            function.linkage = "internal"
    target = llvm.Target.from_triple("i686-unknown-none-elf")
    machine = target.create_target_machine(cpu="i686", features="+sse2", codemodel="default", reloc="static")
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling=False;options.loop_vectorization=False;options.slp_vectorization=False;options.loop_interleaving=False
    builder = llvm.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    passes.run(module, builder)
    return str(module)
