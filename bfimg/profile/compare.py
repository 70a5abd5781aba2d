"""Two profiles side by side: what became faster, what slower, what is called more often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bfimg.profile.model import ModuleProfile, Profile


@dataclass(frozen=True, slots=True)
class Change:
    """A module, or a function of one. old and new values are None where there is no such module or function.

    module: its name and kind. function: None for the module as a whole. Cycles of a module are those of all its calls,
    of a function its own.
    """

    module: str
    kind: str
    function: str | None
    old_calls: int | None
    new_calls: int | None
    old_cycles: int | None
    new_cycles: int | None

    @property
    def ratio(self) -> float | None:
        """New cycles for a call by old ones, below 1 when it became faster; None where one of them is unknown or 0."""
        if not (self.old_calls and self.new_calls and self.old_cycles and self.new_cycles is not None):
            return None
        return (self.new_cycles * self.old_calls) / (self.old_cycles * self.new_calls)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Modules in the order of the first profile, then those only the second has; each followed by its functions.

    same_kernel: both are of one build.
    """

    same_kernel: bool
    changes: tuple[Change, ...]


def compare(old: Profile, new: Profile) -> Comparison:
    """Modules are the same when name and kind are, functions when the name is."""
    before = {(module.name, module.kind): module for module in old.modules}
    after = {(module.name, module.kind): module for module in new.modules}
    changes: list[Change] = []
    for key in dict.fromkeys([*before, *after]):
        changes += _changes(*key, before.get(key), after.get(key))
    return Comparison(old.build_id == new.build_id, tuple(changes))


def _changes(name: str, kind: str, old: ModuleProfile | None, new: ModuleProfile | None) -> Iterator[Change]:
    yield Change(
        name,
        kind,
        None,
        *(None if module is None else module.calls for module in (old, new)),
        *(None if module is None else module.cycles.total for module in (old, new)),
    )
    before = {} if old is None else {function.name: function for function in old.hottest()}
    after = {} if new is None else {function.name: function for function in new.hottest()}
    for function in dict.fromkeys([*before, *after]):
        pair = before.get(function), after.get(function)
        yield Change(
            name,
            kind,
            function,
            *(None if found is None else found.calls for found in pair),
            *(None if found is None else found.self_cycles for found in pair),
        )
