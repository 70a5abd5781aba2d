"""Runs LLVM assembly twice: lowered and interpreted, and by LLVM itself as host code."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm

from bfimg.bitcode.lower import Lowered, lower_assembly
from bfimg.pattern.interpret import Machine

LAYOUT = "e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-i128:128-f64:32:64-f80:32-n8:16:32-S128"
HEAD = f'target datalayout = "{LAYOUT}"\ntarget triple = "i686-unknown-none-elf"\n'

llvm.load_library_permanently("libm.so.6")
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()


def printed(text: str) -> str:
    """Assembly as LLVM prints it, verified, not optimised."""
    module = llvm.parse_assembly(HEAD + text, llvm.create_context())
    module.verify()
    return str(module)


def lowered(text: str, entry: str = "f") -> Lowered:
    """The program of assembly that a test wrote."""
    return lower_assembly(printed(text), entry)


def interpreted(text: str, *arguments: float, entry: str = "f") -> Any:
    """What the lowered function gives; the trap when it is stopped."""
    outcome = Machine(lowered(text, entry).data).call(arguments)
    return outcome.value if outcome.stop is None else outcome.stop.trap


class Native:
    """Assembly without a target, compiled for this machine. Only i64 go in and come out."""

    def __init__(self, text: str) -> None:
        module = llvm.parse_assembly(text, llvm.create_context())
        module.verify()
        machine = llvm.Target.from_default_triple().create_target_machine(opt=0)
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()

    def call(self, name: str, arguments: Sequence[int]) -> int:
        kind = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * len(arguments))
        return int(kind(self.engine.get_function_address(name))(*arguments))
