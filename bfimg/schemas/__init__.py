"""JSON Schemas of what the verbs print with ``--format json``: one file for each verb, named after it.

``profile`` is what the kernel exports; the verb of that name prints ``profile-report`` and ``profile-comparison``.

``schema_version`` in a document grows when a key changes its meaning or goes; new keys do not change it. Until then a
document has exactly the keys of its schema.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from bfimg.errors import NotFoundError

_SUFFIX = ".json"


def names() -> list[str]:
    """What has a schema."""
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in files(__name__).iterdir() if _is_schema(entry.name))


def load(name: str) -> dict[str, Any]:
    """The schema of a verb's document (JSON Schema 2020-12). Raises NotFoundError for a verb without one."""
    if name not in names():
        raise NotFoundError(f"no schema {name}", hint=f"there are: {', '.join(names())}")
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(name + _SUFFIX).read_text(encoding="utf-8"))
    return schema


def _is_schema(name: str) -> bool:
    return name.endswith(_SUFFIX)
