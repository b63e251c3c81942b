"""Which jobs of a workflow may build an image: all others are never read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_kaniko.importing.readers.github.actions import may_build
from ci_kaniko.importing.readers.github.catalogue import composite_action
from ci_kaniko.importing.signs import are_mentioned
from ci_kaniko.importing.ticked import Map, mapping, maps, texts_below

if TYPE_CHECKING:
    from ci_kaniko.importing.originals import Original

_FROM_ELSEWHERE = re.compile(r"\bneeds\.")
_RUNS_IMAGES = re.compile(r"\b(?:docker|podman|nerdctl)\s")
"""What may run a builder by its image."""
_MAX_DEPTH = 8


class Builders:
    """What the jobs of one workflow show of builders; ``given`` is what all of them are given."""

    def __init__(self, original: Original, *given: Any) -> None:
        self.original = original
        self.are_given = _shows([*given])
        self._actions: dict[str, bool] = {}

    def may_be_in(self, job: Map) -> bool:
        """Whether a job may call a builder, itself or by something of the repository."""
        return self.are_given or _shows(job) or self._in_steps(job, 0)

    def _in_steps(self, holder: Map, depth: int) -> bool:
        return any(self._in_step(step, depth) for step in maps(holder.get("steps")))

    def _in_step(self, step: Map, depth: int) -> bool:
        run, uses = step.peek("run"), step.peek("uses")
        named = _FROM_ELSEWHERE.search(run) or self.original.scripts_in(run)
        return bool(named or (uses and (may_build(step) or self._in_action(step, uses, depth))))

    def _in_action(self, step: Map, uses: str, depth: int) -> bool:
        """Whether an action of the repository may call a builder."""
        if uses not in self._actions:
            self._actions[uses] = False
            inner = mapping(composite_action(uses, self.original, step.line_of("uses")))
            found = depth > _MAX_DEPTH or _shows(inner)
            self._actions[uses] = found or self._in_steps(inner.mapping("runs"), depth + 1)
        return self._actions[uses]


def _shows(value: Any) -> bool:
    return any(are_mentioned(text) or _RUNS_IMAGES.search(text) for text in texts_below(value))
