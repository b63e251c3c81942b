"""Hints followed by a program: what one says in so many words is done to the spec."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from ci_kaniko.spec.build import NamedImage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ci_kaniko import Problem

    Edit = Callable[["Place", re.Match[str]], None]

Step = str | int
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_IMAGES = "images"


class Place(NamedTuple):
    """Where a problem is in a spec that may be changed."""

    root: yaml.MappingNode
    where: tuple[Step, ...]
    message: str

    @property
    def top(self) -> tuple[Step, ...]:
        """Where a field of the spec stands: at the top, or in the image that is spoken of."""
        return self.where[:2] if self.where[:1] == (_IMAGES,) and len(self.where) > 2 else ()


def steps(where: str) -> tuple[Step, ...]:
    """What a problem's place is made of.

    >>> steps('registries["a.b"].aws[0].x')
    ('registries', 'a.b', 'aws', 0, 'x')
    """
    return tuple(
        int(number) if number else name.replace('\\"', '"') or plain
        for name, number, plain in _STEP.findall(where)
    )


class Way(NamedTuple):
    """A way out that a hint names: its words, and which form they have."""

    words: str
    form: str

    def applied(self, text: str, problem: Problem) -> str:
        """The spec that somebody writes who does what the hint says."""
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        said = re.fullmatch(self.form, self.words)
        assert said is not None
        assert isinstance(root, yaml.MappingNode)
        FORMS[self.form](
            Place(root, _as_written(root, steps(problem.where)), problem.message), said
        )
        return yaml.serialize(root, Dumper=yaml.CSafeDumper, allow_unicode=True)


def ways(problem: Problem) -> list[Way]:
    """What a hint says in so many words; behind a semicolon it says why, or what people decide."""
    placed = problem.where or "at the top" in problem.hint
    for clause in clauses(problem.hint, r"; ") if placed else ():
        said = [
            Way(words, form)
            for words in clauses(clause, r",? or ")
            for form in [next((one for one in FORMS if re.fullmatch(one, words)), None)]
            if form
        ]
        if said:
            return said
    return []


def clauses(hint: str, between: str) -> list[str]:
    """What stands between some words, outside of brackets and quotes.

    >>> clauses('add a: {b: 1 or 2}, or remove it', r",? or ")
    ['add a: {b: 1 or 2}', 'remove it']
    """
    found, depth, start, index = [], 0, 0, 0
    quoted = False
    while index < len(hint):
        depth += {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(hint[index], 0)
        quoted ^= hint[index] == '"'
        end = re.match(between, hint[index:]) if depth == 0 and not quoted else None
        if end:
            found.append(hint[start:index])
            start = index + end.end()
            index = start
            continue
        index += 1
    return [*found, hint[start:]]


def _as_written(root: yaml.Node, where: tuple[Step, ...]) -> tuple[Step, ...]:
    """A place without the steps that a short form leaves out, such as that of its only item."""
    node: Any = root
    found: list[Step] = []
    for step in where:
        if isinstance(step, int):
            if not isinstance(node, yaml.SequenceNode):
                continue
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value]
            if step not in names:
                continue
            node = node.value[names.index(step)][1]
        else:
            continue
        found.append(step)
    return tuple(found)


# -- changing a spec ------------------------------------------------------------------------------


def _at(place: Place, where: tuple[Step, ...]) -> Any:
    node: Any = place.root
    for step in where:
        node = node.value[step] if isinstance(step, int) else _value(node, step)
    return node


def _value(node: yaml.MappingNode, name: str) -> Any:
    return next(value for key, value in node.value if key.value == name)


def _delete(place: Place, where: tuple[Step, ...]) -> None:
    above, last = _at(place, where[:-1]), where[-1]
    if isinstance(last, int):
        del above.value[last]
    else:
        above.value = [pair for pair in above.value if pair[0].value != last]


def _replace(place: Place, new: yaml.Node) -> None:
    above, last = _at(place, place.where[:-1]), place.where[-1]
    if isinstance(last, int):
        items = new.value if isinstance(new, yaml.SequenceNode) else [new]
        above.value[last : last + 1] = items
    else:
        above.value = [(key, new if key.value == last else value) for key, value in above.value]


def _merge(node: yaml.MappingNode, new: yaml.MappingNode) -> None:
    for key, value in new.value:
        here = next((one for name, one in node.value if name.value == key.value), None)
        if isinstance(here, yaml.MappingNode) and isinstance(value, yaml.MappingNode):
            _merge(here, value)
        else:
            node.value = [pair for pair in node.value if pair[0].value != key.value]
            node.value.append((key, value))


def _snippet(text: str) -> Any:
    """What a hint writes, with something in the place of each word that stands for another."""
    for word, filled in _FILLED.items():
        text = re.sub(rf"(?<![\w.]){re.escape(word)}(?![\w.])", filled, text)
    try:
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return yaml.ScalarNode("tag:yaml.org,2002:str", text)


_FILLED = {
    "NAME_OF_A_SECRET": "A_SECRET",
    "OWNER/NAME@COMMIT": "acme/checkout@" + "0123456789" * 4,
    "cache_claim: NAME": "cache_claim: name",
    "{NAME: {...}}": "{name: {}}",
    "NAME": "A_NAME",
    "repo: ...": "repo: ghcr.io/acme/cache",
    "localhost:5000/...": "localhost:5000/acme/shop:1",
    "role: ...": "role: arn:aws:iam::123456789012:role/push",
    "provider: ...": "provider: projects/1/locations/global/workloadIdentityPools/a/providers/b",
    "service_account: ...": "service_account: push@my-project.iam.gserviceaccount.com",
    **{
        f"{name}: ...": f"{name}: 00000000-0000-0000-0000-000000000000"
        for name in ("tenant_id", "client_id")
    },
    "HOST": "registry.example.com",
    "PATH": "team/app.git",
    "COMMIT": "0123456789" * 4,
    "BUCKET": "bucket",
    "KEY": "key.tar.gz",
    "FILE": "file.tar.gz",
    "IMAGE": "registry.example.com/team/tool:1.0",
    "TAG": "runner",
    "LABEL": "runner",
    "N": "1",
    "TEXT": "text",
    "...": "FILLED",
}


def _names(text: str) -> list[str]:
    """The steps to a field, as in options.tar_path or gitlab: {form."""
    return re.split(r": \{|\.", text)


def _nested(names: Sequence[str], new: yaml.Node) -> yaml.MappingNode:
    """A node below some keys."""
    for name in reversed(names):
        key = yaml.ScalarNode("tag:yaml.org,2002:str", name)
        new = yaml.MappingNode("tag:yaml.org,2002:map", [(key, new)])
    assert isinstance(new, yaml.MappingNode)
    return new


# -- what a hint can say --------------------------------------------------------------------------


def _removed(place: Place, found: re.Match[str]) -> None:
    name = found["name"] if "name" in found.groupdict() else None
    where = place.where
    above = _at(place, where[:-1])
    listed = [item.value for item in above.value] if isinstance(where[-1], int) else []
    if name in listed:
        where = (*where[:-1], listed.index(name))
    elif name and where[-1] != name and _at(place, where).value != name:
        node = _at(place, where)
        has = isinstance(node, yaml.MappingNode) and any(k.value == name for k, _ in node.value)
        where = (*where, name) if has else (*place.top, *name.split("."))
    _delete(place, where)


def _added_here(place: Place, found: re.Match[str]) -> None:
    """A field beside the wrong one or below it, or one that an image has."""
    new = _snippet(found["new"])
    where = place.where
    if {key.value for key, _ in new.value} <= {*NamedImage.model_fields}:
        where = place.top
    elif not isinstance(_at(place, where), yaml.MappingNode):
        where = where[:-1]
    _merge(_at(place, where), new)


def _added_together(place: Place, found: re.Match[str]) -> None:
    _merge(_at(place, place.where), _snippet(f"{{{found['fields']}}}"))


def _added_at_top(place: Place, found: re.Match[str]) -> None:
    _merge(place.root, _snippet(found["new"]))


def _added(place: Place, found: re.Match[str]) -> None:
    """A field of the spec, or of the image that the problem is about; a login has a host, too."""
    groups = found.groupdict()
    names = [name for key in ("below", "host") if (name := groups.get(key))]
    _merge(_at(place, place.top), _nested(names, _snippet(found["new"])))


def _written(place: Place, found: re.Match[str]) -> None:
    """Another text in the place of the value, or of the key that is wrong."""
    new = _snippet(found["new"])
    above, last = _at(place, place.where[:-1]), place.where[-1]
    if isinstance(last, str) and f'"{last}"' in place.message:
        for key, _ in above.value:
            if key.value == last:
                key.value = new.value
    else:
        _replace(place, new)


def _chosen(place: Place, found: re.Match[str]) -> None:
    """Another value."""
    _replace(place, _snippet(found["new"]))


def _lines(place: Place, found: re.Match[str]) -> None:
    _replace(place, _snippet(f"{{{found['new']}}}"))


def _listed(place: Place, found: re.Match[str]) -> None:
    _merge(_at(place, place.top), _snippet(f"destinations: [{found['image']}]"))


def _moved(place: Place, found: re.Match[str]) -> None:
    """What stands here stands elsewhere."""
    value = copy.deepcopy(_at(place, place.where))
    _delete(place, place.where)
    groups = found.groupdict()
    top = place.top
    if "all" in groups:
        top = ()
        rest = place.where[2:] if place.top else ()
        names = [key.value for key, _ in _at(place, (_IMAGES,)).value] if rest else []
        for other in (_as_written(place.root, (_IMAGES, name, *rest)) for name in names):
            if other[2:] == rest:
                _delete(place, other)
    section = place.where[:-1] if groups.get("extra") else top
    names = ["extra", groups["extra"]] if groups.get("extra") else _names(found["name"])
    _merge(_at(place, section), _nested(names, value))


def _argument(place: Place, found: re.Match[str]) -> None:
    text = _at(place, place.where).value
    value = text.partition("=")[2] or "true"
    _delete(place, place.where)
    _merge(_at(place, place.top), _nested(_names(found["name"]), _snippet(value)))


def _variable(place: Place, found: re.Match[str]) -> None:
    """Another variable in the place of the one that is spoken of."""
    old = re.search(r"\$\{[\w.]+|\$\w+", place.message)
    node = _at(place, place.where)
    if isinstance(node, yaml.MappingNode):
        node = _value(node, "image")
    name = old[0] if old and old[0] in node.value else "${tag"
    end = r"(?:(:-[^}]*)?\})" if name.startswith("${") else "()"
    new = found["new"].removesuffix("}")
    text, times = re.subn(
        re.escape(name) + end,
        lambda one: f"{new}{(one[1] or '') if ':-' not in new else ''}}}",
        node.value,
    )
    assert times
    node.value = text


def _entered(place: Place, found: re.Match[str]) -> None:
    """Another entry in the place of this one."""
    _delete(place, place.where)
    _merge(_at(place, place.where[:-1]), _snippet(found["new"]))


def _instead(place: Place, found: re.Match[str]) -> None:
    """A field in the place of what is written here."""
    _delete(place, place.where)
    root = found.groupdict().get("all")
    _merge(place.root if root else _at(place, place.top), _snippet(found["new"]))


def _condition(place: Place, found: re.Match[str]) -> None:
    above = place.where[: place.where.index("when") + 1]
    _written(place._replace(where=above), found)


_KEY = r"(?P<name>[\w.]+)"
_FIELD = r"[a-z_]+: (?:[^{\s]\S*|\{.*\}|\[.*\])"
FORMS: dict[str, Edit] = {
    r"(?:remove|leave out) (?:it|this|them|one|this one|one of these)(?: here)?(?:[:,] .*)?": (
        _removed
    ),
    r".*: remove it": _removed,
    r"keep one of the two": _removed,
    rf"remove {_KEY}:": _removed,
    rf"leave {_KEY}:? out(?: for .*)?": _removed,
    rf"(?P<new>{_FIELD})(?P<all> at the top) in its place": _instead,
    rf"(?P<new>{_FIELD}) in its place .*": _instead,
    rf"add (?P<new>{_FIELD}) at the top": _added_at_top,
    rf"add (?P<new>{_FIELD}) under (?P<below>[\w.]+): *": _added,
    r"under (?P<below>registries): add (?P<new>\S+: .+)": _added,
    r"under (?P<below>registries): (?P<host>\S+): (?:add|write) (?P<new>\w+: .+)": _added,
    r"under (?P<below>\w+): (?P<new>\S+: .+)": _added,
    r"list at least one image, such as (?P<image>\S+)": _listed,
    r"add (?P<fields>branches: .*): these start a job without triggers:": _added_together,
    rf"add (?P<new>{_FIELD})(?:, .*)?": _added_here,
    rf"at the top: (?P<new>{_FIELD})": _added_at_top,
    r"name your own: (?P<new>image: \S+)": _entered,
    r"(?P<all>)(?P<name>\w+): stands at the top, .*": _moved,
    r"(?P<all>)(?P<name>\w+: \{\w+): \.\.\.\} stands at the top, .*": _moved,
    r"(?P<all>)(?P<name>env): at the top says it for every target": _moved,
    r"(?:did you mean )?extra: \{(?P<extra>[\w-]+): \.\.\.\}(?: takes .*|\?)": _moved,
    r"it is (?P<name>[\w.]+)(?:, [\w.]+)*(?: or [\w.]+)? in a spec": _moved,
    r"(?:set )?(?P<new>(?:labels|push): (?:null|always|never|auto))(?: .*)?": _added,
    r"(?P<new>[a-z]+: \{.*\})(?: .*)?": _added,
    r"(?!lines|each).*such as (?P<new>\w+: \S+?)(?:, .*)?": _added_here,
    r"lines such as (?P<new>NAME: \w+)": _lines,
    r"(?:.*, )?such as (?P<new>\{.*\})(?:: .*)?": _written,
    r"(?:.*, )?such as (?P<new>(?!an? |once )[^\s{][^:]*?)(?:, .*| for .*)?": _written,
    r"(?:.*, )?such as (?P<new>\S+:\S+)": _written,
    r"(?:a list: )?(?P<new>\{.*\}|\[.*\])(?: (?:is|matches) .*)?": _chosen,
    r"(?P<new>ambient|ci-token|anonymous)": _chosen,
    r"(?P<name>options\.\w+): is its place": _argument,
    r"--\S+ has its place at (?P<name>options\.\w+):": _argument,
    r"at (?:most|least) (?P<new>-?\w+)": _written,
    r"one of: (?P<new>\w+), .*": _written,
    r".*, at most 40: (?P<new>\S+)": _written,
    r"[^:]*: write (?P<new>\S+)": _written,
    r"the repository's root is (?P<new>\S+)": _written,
    r"(?P<new>(?:git|s3|tar|https?)://[^\s,]+)(?:, .*)?": _written,
    r"add the registry and the namespace: (?P<new>\S+)": _written,
    r"certificate and key, joined by one comma: (?P<new>\S+)": _written,
    r"when: (?P<new>default-branch) is .*": _condition,
    r"(?P<new>\$\{registry\.host\}: ci-token) is .*": _entered,
    r"(?:use |a default: )?(?P<new>\$\{[\w.:-]+\})(?: (?:works|has|is safe|tell) .*)?": _variable,
}
"""What a hint says, and what it does to a spec; the first that fits counts."""
