"""The executor's arguments, comparable across platforms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci_kaniko.rehearsing.events import Event
    from ci_kaniko.rehearsing.recorded import Recorded


_OUTPUTS = (
    "--digest-file",
    "--image-name-with-digest-file",
    "--image-name-tag-with-digest-file",
    "--tar-path",
    "--oci-layout-path",
)


def normalise(recorded: Recorded) -> list[str]:
    """The argument list with the context named by what it denotes: law 1 compares these."""
    argv = recorded.argv or ()
    values = dict(argument.partition("=")[::2] for argument in argv)
    whole = values.get("--context", "").removeprefix("dir://")
    checkout = _is_this_commit(whole, recorded.event)
    roots = ["/kaniko/buildcontext"] if checkout else _roots(recorded)
    result = []
    for argument in argv:
        flag, _, value = argument.partition("=")
        if flag == "--context":
            place = "<context>" if checkout else _below(whole, roots)
            sub = values.get("--context-sub-path", "")
            result.append("--context=" + (f"{place}/{sub.strip('/')}" if sub else place))
        elif flag in _OUTPUTS:
            result.append(f"{flag}={Path(value).name}")
        elif flag == "--dockerfile":
            result.append(f"{flag}={_below(value, roots)}")
        elif flag not in ("--context-sub-path", "--git"):
            result.append(argument)
    return result


def _roots(recorded: Recorded) -> list[str]:
    mounted = [mount.target for mount in recorded.mounts if mount.source == recorded.workspace]
    return [root for root in (recorded.workspace, *mounted) if root]


def _below(path: str, roots: Iterable[str]) -> str:
    if path.startswith("tar://"):
        return "tar://" + _below(path.removeprefix("tar://"), roots)
    for root in roots:
        if path.rstrip("/") == root or path.startswith(f"{root}/"):
            return "<context>" + path[len(root) :].rstrip("/")
    return path


def _is_this_commit(context: str, event: Event) -> bool:
    location, *fragment = context.split("#")
    ours = f"git://{event.host}/{event.repository}.git".lower()
    return location.lower() == ours and len(fragment) == 2 and fragment[1] == event.sha
