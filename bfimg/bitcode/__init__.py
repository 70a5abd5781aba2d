"""What a LLVM bitcode file says of itself, read without LLVM."""

from bfimg.bitcode.summary import BitcodeSummary, FunctionSummary, GlobalSummary, summarise

__all__ = ["BitcodeSummary", "FunctionSummary", "GlobalSummary", "summarise"]
