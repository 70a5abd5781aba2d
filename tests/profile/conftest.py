"""A profile as the kernel exports it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

Document = dict[str, Any]


def cycles(*values: int) -> Document:
    """Statistics of these values, as the kernel counts them."""
    count, total = len(values), sum(values)
    return {
        "count": count,
        "total": total,
        "minimum": min(values, default=0),
        "maximum": max(values, default=0),
        "average": total // count if count else 0,
        "variance": (sum(v * v for v in values) * count - total * total) // count**2 if count else 0,
    }


def module(name: str, **fields: object) -> Document:
    """A module that was not instrumented."""
    return {
        "name": name,
        "file": f"/{name.upper()}.MOD",
        "source": "disk",
        "kind": "native",
        "status": "passed",
        "reason": "",
        "code_bytes": 1000,
        "calls": 2,
        "size": 100,
        "answer": 7,
        "expected": 7,
        "cycles": cycles(900, 1100),
        "overridden": [],
        "dropped_calls": 0,
        "compiled": [],
        "functions": [],
        "nodes": [],
        "edges": [],
        **fields,
    }


def function(name: str, calls: int, self_cycles: int, *values: int) -> Document:
    return {"name": name, "calls": calls, "self_cycles": self_cycles, "cycles": cycles(*values)}


def node(parent: int | None, index: int, calls: int, self_cycles: int) -> Document:
    return {"parent": parent, "function": index, "calls": calls, "self_cycles": self_cycles}


def memory(**fields: object) -> Document:
    numbers = ("size", "used", "free", "peak", "largest_free", "allocations", "fragmentation_percent")
    return {**fields, **dict.fromkeys(numbers, 0)}


# main calls leaf twice, itself or by way of middle.
TREE = module(
    "tree",
    calls=1,
    cycles=cycles(1000),
    functions=[function("main", 1, 500, 1000), function("middle", 1, 100, 200), function("leaf", 2, 400, 100, 300)],
    nodes=[node(None, 0, 1, 500), node(0, 1, 1, 100), node(1, 2, 1, 100), node(0, 2, 1, 300)],
    edges=[
        {"caller": 0, "callee": 1, "calls": 1},
        {"caller": 0, "callee": 2, "calls": 1},
        {"caller": 1, "callee": 2, "calls": 1},
    ],
)

DOCUMENT: Document = {
    "schema_version": 1,
    "build_id": "0123456789abcdef0123456789abcdef",
    "kernel_bytes": 30000,
    "cpu": {
        "vendor": "GenuineIntel",
        "brand": "",
        "family": 6,
        "model": 6,
        "stepping": 3,
        "features": ["FPU", "TSC"],
        "needed": ["FPU"],
    },
    "probe": {"inner": 20, "outer": 45},
    "memory": {"heap": memory(), "pools": [memory(name="code"), memory(name="data"), memory(name="metadata")]},
    "pci": [],
    "volumes": [{"drive": "ata0-master", "lba": 2048, "label": "BAREFLOW", "bytes_read": 4096, "milliseconds": 1}],
    "modules": [module("sum"), TREE],
}


@pytest.fixture
def document() -> Document:
    """A copy to change."""
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def encode() -> Callable[[Document], bytes]:
    """Function that writes a document as the kernel does: a member of it, or a module, in a line."""

    def write(document: Document) -> bytes:
        members = (f"{json.dumps(key)}:{json.dumps(value)}" for key, value in document.items())
        return ("{" + ",\n".join(members) + "}\n").encode()

    return write
