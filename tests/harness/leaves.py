"""Law 8 as a walk: every leaf of the model, another value there, and whether somebody hears it.

The leaves come from the models' fields, the values from their choices, bounds and examples. A leaf
is changed where a spec of the suite has it, and set where the specs of ``GROUNDS`` have not.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from ci_kaniko.layouts.fill import fill
from ci_kaniko.problems.finding import Refused, dotted
from ci_kaniko.problems.problem import Problem, SpecError
from ci_kaniko.quick.hints import get_args, get_origin
from ci_kaniko.source.reading import survey
from ci_kaniko.spec.build import TOP_ONLY, NamedImage
from ci_kaniko.spec.data import to_python
from ci_kaniko.spec.fields import Reads
from ci_kaniko.spec.loading import warnings
from ci_kaniko.spec.logins import SecretText
from ci_kaniko.spec.model import Model
from ci_kaniko.spec.placing import placed
from ci_kaniko.spec.spec import Spec
from ci_kaniko.targets.header import header
from ci_kaniko.targets.registry import available_targets
from ci_kaniko.targets.templates import own_template
from harness.cases import CASES, PIPELINE_CASES
from harness.events import DEFAULT_BRANCH, FEATURE_BRANCH, PULL_REQUEST, TAG
from harness.models import model_in
from harness.runs import TARGETS, text_of, values_for
from make.exemptions import EXEMPTIONS, Exemption
from make.matrix import LOGINS, TITLES, login_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ci_kaniko.rehearsing.events import Event

Path = tuple[Any, ...]
Data = dict[str, Any]
ABSENT: Any = object()
GROUNDS = ("multi-destination-conditions", "everything in two images")
"""Where leaves are set that are not there: one image and one job, and nearly everything."""


# -- the model --------------------------------------------------------------------------------


class Kind(NamedTuple):
    """What a field holds: ``model`` below it, or values as ``schema`` says; ``many`` of them."""

    many: str
    model: type[Model] | None
    schema: dict[str, Any]


@cache
def kind_of(model: type[Model], name: str) -> Kind:
    info = model.model_fields[name]
    inner = model_in(info.annotation)
    told = (*info.metadata, *getattr(info.annotation, "__metadata__", ()))
    reads = next((item for item in told if isinstance(item, Reads)), None)
    many, schema = "", reads.schema if reads else {}
    for part in _parts(info.annotation):
        origin = get_origin(part)
        if origin in (tuple, dict) and not reads:
            many = "dict" if origin is dict else "tuple"
        if not schema and isinstance(part, Reads):
            schema = part.schema
    return Kind(many, None if inner is SecretText else inner, schema)


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation, and what it is made of: of a mapping the values, not the keys."""
    yield annotation
    arguments = get_args(annotation)
    for argument in arguments[1:] if get_origin(annotation) is dict else arguments:
        yield from _parts(argument)
    yield from getattr(annotation, "__metadata__", ())


def example(model: type[Model], name: str) -> Any:
    """The first example; of a part of the spec the first that is written in full."""
    examples: list[Any] = model.model_fields[name].examples or [None]
    full = [item for item in examples if isinstance(item, dict)]
    return full[0] if full and kind_of(model, name).model else examples[0]


class Leaf(NamedTuple):
    """A field that holds no other fields, at a place of a spec."""

    path: Path
    model: type[Model]
    name: str


def leaves(model: type[Model] = Spec, at_path: Path = ()) -> Iterator[Leaf]:
    """Every leaf of the model, with an example's key for each free one."""
    for name in model.model_fields:
        if model is NamedImage and name in TOP_ONLY:
            continue
        many, inner, _ = kind_of(model, name)
        here = (*at_path, name)
        if not inner:
            yield Leaf(here, model, name)
        elif many == "tuple":
            yield from leaves(inner, (*here, 0))
        elif many == "dict":
            yield from leaves(inner, (*here, next(iter(example(model, name)))))
        else:
            yield from leaves(inner, here)


def present(data: Any, model: type[Model] = Spec, at_path: Path = ()) -> Iterator[Leaf]:
    """Every leaf that a spec has."""
    for name, value in data.items() if isinstance(data, dict) else ():
        if name not in model.model_fields or value is None:
            continue
        many, inner, _ = kind_of(model, name)
        here = (*at_path, name)
        if not inner or not isinstance(value, dict | list):
            yield Leaf(here, model, name)
        elif many:
            listed = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in listed:
                yield from present(item, inner, (*here, key))
        else:
            yield from present(value, inner, here)


def field_of(path: Path, model: type[Model] = Spec) -> Path:
    """A place without the keys and numbers of the spec: those are ``*``."""
    found: list[Any] = []
    inner: type[Model] | None = model
    many = ""
    for step in path:
        if many:
            found.append("*")
            many = ""
            continue
        found.append(step)
        many, inner, _ = kind_of(inner, step) if inner else Kind("", None, {})
    return tuple(found)


# -- specs ------------------------------------------------------------------------------------


@cache
def world(case: str) -> Data:
    """A spec of the suite, or the larger one of GROUNDS: what a third image adds is more of it."""
    if case != GROUNDS[1]:
        return read_world(text_of(case))
    whole = world("everything")
    images = {name: whole["images"][name] for name in ("api", "base")}
    made = {**whole["prepare"], "artifacts": whole["prepare"]["artifacts"][:1]}
    return {**whole, "images": images, "prepare": made}


def read_world(text: str) -> Data:
    """A spec as Python has it, in its long form."""
    found: Data = expanded(to_python(survey(text, "<spec>").root), Spec)
    return found


def expanded(data: Any, model: type[Model]) -> Any:
    """A part of a spec with every short form written out."""
    try:
        data = model._expand(data)
    except Refused:
        return data
    if not isinstance(data, dict):
        return data
    found = {}
    for name, value in data.items():
        many, inner, _ = kind_of(model, name) if name in model.model_fields else ("", None, {})
        if not inner or value is None:
            found[name] = value
        elif many == "tuple":
            listed = value if isinstance(value, list) else [value]
            found[name] = [expanded(item, inner) for item in listed]
        elif many == "dict":
            found[name] = {key: expanded(item or {}, inner) for key, item in value.items()}
        else:
            found[name] = expanded(value, inner)
    return found


def at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return data


def written(data: Data, path: Path, value: Any) -> Data:
    """A spec with a value at a place; what leads there is made, what is beside it is shared."""
    found: Data = dict(data)
    place: Any = found
    for step, following in pairwise(path):
        if isinstance(place, list) and step == len(place):
            place.append({})
        below = at(place, (step,))
        if below in (ABSENT, None):
            below = [] if isinstance(following, int) else {}
        place[step] = below.copy()
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return found


def ground(data: Data, leaf: Leaf, root: type[Model] = Spec) -> Data:
    """A spec in which a leaf has what it stands beside: the examples of the parts it is in."""
    model: type[Model] = root
    many = ""
    for depth, step in enumerate(leaf.path[:-1]):
        if many:
            many = ""
            continue
        many, inner, _ = kind_of(model, step)
        place = leaf.path[: depth + 1]
        if at(data, place) in (ABSENT, None):
            assert inner
            shown = expanded(example(model, step), inner if many != "dict" else Model)
            listed = many == "tuple" and not isinstance(shown, list)
            data = expanded(written(data, place, [shown] if listed else shown), root)
        assert inner
        model = inner
    return data


@cache
def fields(case: str) -> frozenset[Path]:
    """What a case says that is not about one target."""
    found = {field_of(leaf.path) for leaf in present(world(case))}
    return frozenset(field for field in found if field[0] not in (*TARGETS, "outputs", "images"))


# -- mutations --------------------------------------------------------------------------------


class Mutation(NamedTuple):
    """A spec, where it is changed, and what stands there then; ABSENT for nothing."""

    world: str
    base: Data
    path: Path
    value: Any

    @property
    def turn(self) -> int:
        """Which modes are asked: the same in every run, one of most specs and of each part."""
        part = str(self.path[:-1] if self.world in GROUNDS else "")
        return crc32(self.world.encode()) + crc32(part.encode())

    def __str__(self) -> str:
        what = "is left out" if self.value is ABSENT else f"= {self.value!r}"
        return f"{self.world}: {'.'.join(map(str, self.path))} {what}"


def mutations(name: str, data: Data, root: type[Model] = Spec) -> Iterator[Mutation]:
    """Every leaf of a spec left out and changed, and of GROUNDS every leaf that they have not."""
    few = 2 if name in GROUNDS else 1
    for leaf in present(data):
        now = at(data, leaf.path)
        changed = (value for value in values(leaf, now) if str(value) != str(now))
        for value in [ABSENT, *list(changed)[: len(now) if isinstance(now, list) else few]]:
            yield Mutation(name, data, leaf.path, value)
    for leaf in leaves(root) if name in GROUNDS else ():
        if at(data, leaf.path) is not ABSENT:
            continue
        base = ground(data, leaf, root)
        now = at(base, leaf.path)
        for value in values(leaf, now):
            if str(value) != str(now):
                yield Mutation(name, base, leaf.path, value)


FEW = 5
"""How often an ordinary run takes a field away, and how often it changes one."""


def fewer(every: Sequence[Mutation]) -> list[Mutation]:
    """Of a field that most specs have some mutations, from first to last; all of most others.

    The larger one of GROUNDS, whose trials cost most, is what changes stand beside: there one leaf
    is taken away and the next is changed, and all values of each are tried in the smaller one.
    """
    kinds: dict[Any, list[int]] = {}
    places: dict[str, int] = {}
    for number, one in enumerate(every):
        kind: Any = field_of(one.path), one.value is ABSENT
        if one.world == GROUNDS[1]:
            place = str(one.path)
            changes = places.setdefault(place, len(places)) % 2
            if changes == (one.value is ABSENT) and at(one.base, one.path) is not ABSENT:
                continue
            kind = (one.world, place)
        kinds.setdefault(kind, []).append(number)
    kept: set[int] = set()
    for kind, numbers in kinds.items():
        most = 1 if kind[0] == GROUNDS[1] else FEW
        kept.update(numbers[:: -(-len(numbers) // most)])
    return [one for number, one in enumerate(every) if number in kept]


def values(leaf: Leaf, now: Any) -> Iterator[Any]:
    """What else may stand at a leaf: the choices, the examples, an entry more, fewer or twice."""
    schema = kind_of(leaf.model, leaf.name).schema
    info = leaf.model.model_fields[leaf.name]
    examples = info.examples or []
    if isinstance(now, list):
        shown = examples[0] if isinstance(examples[0], list) else examples
        yield [*now, *(item for item in shown if item not in now)]
        if now:
            yield [*now, now[-1]]
        if len(now) > 1:
            yield now[:-1]
    elif isinstance(now, dict):
        yield from ({**now, **_other(shown)} for shown in examples if isinstance(shown, dict))
        yield {key: _other(item) for key, item in now.items()}
        if len(now) > 1:
            yield dict([*now.items()][:-1])
    elif examples and isinstance(examples[0], dict):
        # An example may be what the platform does anyway.
        yield from (_other(item) for item in examples)
    elif "enum" in schema:
        yield from schema["enum"]
    elif schema.get("type") == "boolean":
        yield from (True, False)
    elif schema.get("type") == "integer":
        yield from (examples[0], examples[0] + 1)
    else:
        yield from examples
        # An example may be the default.
        written_out = info.default if now is ABSENT else now
        if isinstance(written_out, str):
            yield f"{written_out}x"


def _other(value: Any) -> Any:
    """Another value of the same shape."""
    if isinstance(value, dict):
        return {key: _other(item) for key, item in value.items()}
    return f"{value}x" if isinstance(value, str) else value


# -- modes ------------------------------------------------------------------------------------

Mode = dict[str, Any]


@cache
def modes(target: str) -> tuple[Mode, ...]:
    """Each way in which a target's section can shape its file: its choices and its switches."""
    section = kind_of(Spec, target).model
    assert section
    fields: dict[str, list[Any]] = {}
    for name, info in section.model_fields.items():
        many, inner, schema = kind_of(section, name)
        if many or inner or info.default is None:
            continue
        if "enum" in schema:
            fields[name] = schema["enum"]
        elif schema.get("type") == "boolean":
            fields[name] = [False, True]
    return tuple(dict(zip(fields, chosen, strict=True)) for chosen in product(*fields.values()))


def in_modes(data: Data, chosen: dict[str, Mode], path: Path = ()) -> Data:
    """A spec in one mode of each target; what stands at ``path`` is left to be changed."""
    found = dict(data)
    images = found.get("images")
    if isinstance(images, dict):
        found["images"] = {key: dict(item or {}) for key, item in images.items()}
    for target, mode in chosen.items():
        section = {key: value for key, value in mode.items() if path[-2:] != (target, key)}
        found[target] = {**(found.get(target) or {}), **section}
        for item in (found.get("images") or {}).values():
            if isinstance(item.get(target), dict) and path[:1] != ("images",):
                item[target] = {**item[target], **section}
    return found


# -- judging ----------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a spec becomes on a target: a text or None, and the problems on the way."""

    text: str | None
    problems: tuple[Problem, ...]


def read(data: Data, root: type[Spec] = Spec) -> Spec | Answer:
    try:
        return root.model_validate(data)
    except SpecError as error:
        return Answer(None, error.problems)


def answer(
    spec: Spec | Answer, target: str, event: Event, told: tuple[Problem, ...] = ()
) -> Answer:
    """What a target makes of a spec, of which ``told`` is said on every target."""
    if isinstance(spec, Answer):
        return spec
    chosen = available_targets()[target]
    rendered = chosen.rendering(spec, values_for(target, event) or {})
    if rendered.findings:
        return Answer(None, (*told, *placed(rendered.findings, None)))
    if spec.templates is not None:
        try:
            own_template(spec, chosen)
        except SpecError as error:
            return Answer(None, (*told, *error.problems))
    return Answer(fill(chosen.template, {**rendered.view, "header": header(spec)}), told)


def events(target: str) -> tuple[Event, ...]:
    """A manifest is made for one event: what it says is what it says for each."""
    more = (TAG, PULL_REQUEST, FEATURE_BRANCH) if target == "kubernetes" else ()
    return (DEFAULT_BRANCH, *more)


def names(problem: Problem, path: Path) -> bool:
    """Whether a problem stands at a leaf, at a part of it, or at what it is a part of."""
    where, leaf = problem.where, dotted(path)
    short, long = sorted((where, leaf), key=len)
    return bool(short) and long.startswith(short) and long[len(short) :][:1] in ("", ".", "[")


def meaning(value: Any) -> Any:
    """What a part of a spec asks for, however it was written."""
    if isinstance(value, Model):
        return {name: meaning(item) for name, item in value.__dict__.items()}
    if isinstance(value, dict):
        return {name: meaning(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        # Beside a glob for all of them no other glob has a meaning.
        return "**" if "**" in value else [meaning(item) for item in value]
    return value


class Base(NamedTuple):
    """A spec before a leaf is changed: what it means, what is odd about it, and its answers."""

    spec: Spec | Answer
    meaning: dict[str, Any]
    told: tuple[Problem, ...]
    answers: dict[tuple[str, str], Answer]

    def means(self, changed: Spec) -> bool:
        """Whether a changed spec asks for the same."""
        return all(meaning(value) == self.meaning[name] for name, value in changed.__dict__.items())


def base_of(spec: Spec | Answer) -> Base:
    if isinstance(spec, Answer):
        return Base(spec, {}, spec.problems, {})
    return Base(spec, meaning(spec), tuple(warnings(spec)), {})


class Silence(NamedTuple):
    """A change that a target did not hear."""

    mutation: Mutation
    target: str
    mode: Mode

    def __str__(self) -> str:
        mode = ", ".join(f"{key}: {value}" for key, value in self.mode.items())
        return f"{self.target} ({mode}): {self.mutation}"


class Walk:
    """Trials of mutations: what was silent, and which fields somebody has heard."""

    def __init__(self, root: type[Spec] = Spec) -> None:
        self.root = root
        self.trials = 0
        self.silent: list[Silence] = []
        self.heard: set[Path] = set()
        self._bases: dict[str, Base] = {}
        self._world = ""

    def try_one(self, mutation: Mutation, turn: int, targets: Sequence[str] = TARGETS) -> None:
        """Change one leaf and ask one mode of each target."""
        chosen = {target: modes(target)[turn % len(modes(target))] for target in TARGETS}
        was = self._base(mutation.world, in_modes(mutation.base, chosen, mutation.path))
        if isinstance(was.spec, Answer):
            return
        changed = written(mutation.base, mutation.path, mutation.value)
        now = read(in_modes(changed, chosen, mutation.path), self.root)
        if not isinstance(now, Answer) and was.means(now):
            return
        told = () if isinstance(now, Answer) else tuple(warnings(now))
        field = field_of(mutation.path, self.root)
        for target in targets:
            silence = Silence(mutation, target, chosen[target])
            if _covers(OF_OTHERS, silence):
                continue
            tried, heard = self._is_heard(was, now, told, target, mutation)
            self.trials += tried
            if heard:
                self.heard.add(field)
            elif tried:
                self.silent.append(silence)

    def _base(self, name: str, data: Data) -> Base:
        if name != self._world:
            self._bases, self._world = {}, name
        key = repr(data)
        if key not in self._bases:
            self._bases[key] = base_of(read(data, self.root))
        return self._bases[key]

    def _is_heard(
        self,
        was: Base,
        now: Spec | Answer,
        told: tuple[Problem, ...],
        target: str,
        mutation: Mutation,
    ) -> tuple[bool, bool]:
        """Whether the target could be asked, and whether it heard."""
        tried = False
        for event in events(target):
            if (target, event.name) not in was.answers:
                was.answers[target, event.name] = answer(was.spec, target, event, was.told)
            before = was.answers[target, event.name]
            if before.text is None:
                continue
            tried = True
            if _is_told(before, told, mutation):
                return True, True
            after = answer(now, target, event, told)
            if after.text != before.text or _is_told(before, after.problems, mutation):
                return True, True
        return tried, False


def _is_told(before: Answer, problems: tuple[Problem, ...], mutation: Mutation) -> bool:
    """Whether a problem is at the leaf, or is new."""
    known = {(problem.where, problem.message) for problem in before.problems}
    asked = problems if mutation.value is not ABSENT else before.problems
    return any(names(problem, mutation.path) for problem in asked) or any(
        (problem.where, problem.message) not in known for problem in problems
    )


# -- exemptions -------------------------------------------------------------------------------


def is_exempt(silence: Silence, among: Iterable[Exemption] = EXEMPTIONS) -> bool:
    return any(_covers(exemption, silence) for exemption in among)


OF_OTHERS = EXEMPTIONS[0]
"""Which no target has to be asked for: it takes nothing from there."""


def _covers(exemption: Exemption, silence: Silence) -> bool:
    path = silence.mutation.path
    if path[:1] == ("images",):
        path = path[2:]
    if silence.target not in exemption.targets:
        return False
    if exemption.forms and silence.mode.get("form") not in exemption.forms:
        return False
    if exemption.without and silence.mode[exemption.without]:
        return False
    if exemption.elsewhere and (path[:1] != ("inputs",) or _is_heard(path, silence)):
        return False
    if exemption.beside:
        base = silence.mutation.base
        beside = exemption.beside.replace("SELF", silence.target).split(".")
        place = [own if step == "*" else step for step, own in zip(beside, path, strict=False)]
        image = silence.mutation.path[:2] if path != silence.mutation.path else ()
        if at(base, tuple(place)) is ABSENT and at(base, (*image, *place)) is ABSENT:
            return False
    others = [target for target in TARGETS if target != silence.target]
    return any(
        _matches(fields.replace("OTHER", other).replace("SELF", silence.target).split("."), path)
        for fields in exemption.fields
        for other in others
    )


def _is_heard(path: Path, silence: Silence) -> bool:
    """Whether an input stands anywhere but in the settings of other targets."""
    others = {"inputs", *TARGETS} - {silence.target}
    base = silence.mutation.base
    parts = [base, *(part for part in (base.get("images") or {}).values() if part)]
    heard = [item for part in parts for key, item in part.items() if key not in {*others, "images"}]
    keys = [[*part.get("registries", ())] for part in parts]
    return f"input.{path[1]}}}" in str([heard, keys])


def _matches(pattern: list[str], path: Path) -> bool:
    if pattern[-1] == "**":
        pattern, path = pattern[:-1], path[: len(pattern) - 1]
    return len(pattern) == len(path) and all(
        step in ("*", str(own)) for step, own in zip(pattern, path, strict=True)
    )


WORLDS = (*CASES, *PIPELINE_CASES, GROUNDS[1])
_USUAL = {*WORLDS} - {*GROUNDS}


LOGIN_WORLDS = {
    f"{kind} on {target}": login_spec(kind, target)
    for kind in LOGINS
    for target in TITLES
    if target in TARGETS
} | {
    "google for a context": "push: never\ndefault_branch: main\n"
    "context: gs://acme/shop.tar.gz\ncontext_login: {google: ambient}\n"
}
"""Each login, as the table of what works where writes it."""


def told(silent: list[Silence]) -> str:
    left = [silence for silence in silent if not is_exempt(silence)]
    return "\n".join(map(str, left))


def in_turn(chosen: Sequence[Mutation]) -> Iterator[tuple[Mutation, Sequence[str]]]:
    """Each change of a field with the targets that it asks: some in turn where specs are enough.

    All of them hear the first value of each leaf in the smaller one of GROUNDS.
    """
    kinds: dict[Any, list[Mutation]] = {}
    for mutation in chosen:
        kinds.setdefault((field_of(mutation.path), mutation.value is ABSENT), []).append(mutation)
    numbers = dict.fromkeys(kinds, 0)
    known = set()
    for mutation in chosen:
        kind = field_of(mutation.path), mutation.value is ABSENT
        first, numbers[kind] = numbers[kind], numbers[kind] + 1
        few = len(TARGETS)
        if mutation.world == GROUNDS[1] or (len(kinds[kind]) >= 3 and mutation.world in _USUAL):
            few = 2 if mutation.world == GROUNDS[1] else 3
        elif mutation.world == GROUNDS[0]:
            few = 1 if (mutation.path, kind) in known else few
            known.add((mutation.path, kind))
        yield mutation, turned(mutation, 3 * first)[:few]


def turned(mutation: Mutation, first: int) -> list[str]:
    """The targets that a change is for, from one of them on."""
    own = [name for name in TARGETS if not _covers(OF_OTHERS, Silence(mutation, name, {}))]
    return [own[(first + more) % len(own)] for more in range(len(own))]


def walked(worlds: dict[str, Data], *, thorough: bool) -> Walk:
    """A change asks one mode of each target; with --every-mode each change asks all of them."""
    walk = Walk()
    every = [
        mutation
        for name, data in worlds.items()
        for mutation in mutations(name, data)
        if mutation.path[0] != "outputs"
    ]
    if thorough:
        for mutation in every:
            for turn in range(most_modes() if mutation.world in WORLDS else 1):
                walk.try_one(mutation, mutation.turn + turn)
    else:
        for mutation, targets in in_turn(fewer(every)):
            walk.try_one(mutation, mutation.turn, targets)
    return walk


def most_modes() -> int:
    """How many modes the target with most of them has."""
    return max(len(modes(target)) for target in TARGETS)
