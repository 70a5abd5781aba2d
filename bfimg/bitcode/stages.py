"""The stages of the lowering, in order, as `bfimg module lower --dump-after` names them."""

from __future__ import annotations

STAGES = {
    "read": "LLVM optimises and prints",
    "ir": "read into typed objects",
    "select": "operations of the table on virtual registers",
    "duplicates": "what is known is not computed again",
    "dead": "what nobody reads is gone",
    "inductions": "what goes round a loop stays in one register",
    "phis": "no phis any more, blocks in their final order",
    "registers": "numbered registers",
    "program": "encoded and verified",
}
