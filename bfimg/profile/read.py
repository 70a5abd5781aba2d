"""Read what the kernel exported: JSON, checked against its schema, then for what a schema cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bfimg.errors import FormatError, located
from bfimg.host_file import host_file_size, read_host_file
from bfimg.profile.export import EXPORT_MAX
from bfimg.profile.model import CallEdge, CallNode, FunctionProfile, ModuleProfile, Profile, Statistics

# The kernel counts in unsigned integers of this many bits. Its value for a variance that does not fit is the largest.
_BITS = 64
_NO_VARIANCE = (1 << _BITS) - 1
_HINT = "name a file that bfimg boot --profile wrote"
_MESSAGE_MAX = 200


def read_profile(path: Path) -> Profile:
    """The profile in a file. Raises InputError when it cannot be read, FormatError when it is no profile."""
    size = host_file_size(path, hint=_HINT)
    if size > EXPORT_MAX:
        raise FormatError(f"{size} bytes are no profile, which has at most {EXPORT_MAX}", path=str(path), hint=_HINT)
    with located(str(path)):
        return parse_profile(read_host_file(path, hint=_HINT))


def parse_profile(data: bytes) -> Profile:
    """The profile that `data` holds: a document as the schema `profile` says, UTF-8.

    Raises FormatError, which names the place in the document (``modules[0].nodes[3].parent``).
    """
    document = _document(data)
    _validate(document)
    modules = []
    for index, module in enumerate(document["modules"]):
        _check_indices(module, f"modules[{index}]")
        modules.append(_module(module))
    probe = document["probe"]
    return Profile(document["build_id"], tuple(modules), probe["inner"], probe["outer"])


def _document(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse, parse_float=_refuse, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise FormatError("the profile is no UTF-8 text", offset=error.start, hint=_HINT) from None
    except RecursionError:
        raise FormatError("the profile is nested too deeply", hint=_HINT) from None
    except ValueError as error:
        raise FormatError(f"the profile is no JSON: {error}", hint=_HINT) from None


def _refuse(text: str) -> None:
    raise ValueError(f"{text[:40]} is no integer")


def _integer(text: str) -> int:
    # The length first: Python needs long for a number of a million digits.
    if len(text) > 20 or abs(int(text)) >> _BITS:
        raise ValueError(f"an integer has more than {_BITS} bits")
    return int(text)


def _validate(document: Any) -> None:
    """Raises FormatError at the first place that is not as the schema says."""
    from jsonschema import Draft202012Validator

    from bfimg import schemas

    error = next(Draft202012Validator(schemas.load("profile")).iter_errors(document), None)
    if error is not None:
        message = error.message if len(error.message) <= _MESSAGE_MAX else error.message[: _MESSAGE_MAX - 1] + "…"
        place = error.json_path.removeprefix("$").removeprefix(".")
        raise FormatError(f"not as the schema says: {message}", field=place or None, hint=_HINT)


def _check_indices(module: dict[str, Any], place: str) -> None:
    functions = len(module["functions"])
    for index, node in enumerate(module["nodes"]):
        here = f"{place}.nodes[{index}]"
        if node["function"] >= functions:
            raise FormatError(f"there is no function {node['function']}", field=f"{here}.function", hint=_HINT)
        if node["parent"] is not None and node["parent"] >= index:
            raise FormatError(f"node {node['parent']} is not before it", field=f"{here}.parent", hint=_HINT)
    for index, edge in enumerate(module["edges"]):
        for end in ("caller", "callee"):
            if edge[end] >= functions:
                raise FormatError(
                    f"there is no function {edge[end]}", field=f"{place}.edges[{index}].{end}", hint=_HINT
                )


def _module(module: dict[str, Any]) -> ModuleProfile:
    functions = tuple(
        FunctionProfile(item["name"], item["calls"], item["self_cycles"], _statistics(item["cycles"]))
        for item in module["functions"]
    )
    return ModuleProfile(
        **{key: module[key] for key in ("name", "file", "source", "kind", "status", "size", "code_bytes", "calls")},
        cycles=_statistics(module["cycles"]),
        functions=functions,
        nodes=tuple(
            CallNode(item["parent"], item["function"], item["calls"], item["self_cycles"]) for item in module["nodes"]
        ),
        edges=tuple(
            CallEdge(functions[item["caller"]].name, functions[item["callee"]].name, item["calls"])
            for item in module["edges"]
        ),
        dropped_calls=module["dropped_calls"],
    )


def _statistics(item: dict[str, Any]) -> Statistics:
    variance = None if item["variance"] == _NO_VARIANCE else item["variance"]
    return Statistics(item["count"], item["total"], item["minimum"], item["maximum"], item["average"], variance)
