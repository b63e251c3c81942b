"""BuildKit's and Buildah's command lines, told in kaniko's flags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_kaniko.importing.calls import join, literal, spell, split_text, starts_with, without_head
from ci_kaniko.importing.shell.commands.containers import mounts
from ci_kaniko.importing.shell.commands.flags import Told, flags_of
from ci_kaniko.importing.shell.guards import NO, YES
from ci_kaniko.importing.shell.parsing import csv_fields
from ci_kaniko.importing.shell.uses import file_thing
from ci_kaniko.importing.shell.values import Item
from ci_kaniko.kaniko.builders import BUILDER_HOMES
from ci_kaniko.plan.model import FETCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ci_kaniko.importing.calls import Part, Text
    from ci_kaniko.importing.shell.conditions import Conditions
    from ci_kaniko.importing.shell.reader import Reader

BUILDAH_SWITCHES = {
    *("layers", "no-cache", "squash", "pull", "pull-always", "pull-never", "quiet", "q", "rm"),
    *("force-rm", "tls-verify", "compress", "disable-compression", "all-platforms", "http-proxy"),
    *("stdin", "identity-label", "omit-history", "skip-unused-stages", "inherit-labels"),
    *("rewrite-timestamp", "save-stages", "all", "D", "force-compression", "debug", "squash-all"),
}
"""Those of Podman's builds, too, which docker's do not have otherwise."""
NAMES = ("tag", "manifest")
"""What a build calls its image, or the list of those of its platforms."""
_BUILDAH_LETTERS = {
    "f": "file",
    "t": "tag",
    "D": "disable-compression",
    "q": "quiet",
    "v": "volume",
}
_BUILDAH_ITSELF = {
    *("identity-label", "no-cache", "quiet", "rm", "force-rm", "debug", "disable-compression"),
    *("log-level", "isolation=chroot", "storage-driver=vfs", "tls-verify=true", "all"),
}
"""What the rendered call does anyway; with a value, only where it is that."""
_BUILDKIT_SWITCHES = {"no-cache", "debug"}
_BUILDKIT_ITSELF = {"progress", "no-cache", "debug", "trace", "frontend=dockerfile.v0"}
_WAY = re.compile(r"--(opt=[a-z-]+[=:]|secret=)(?!\w)")
"""How kaniko's flag is said; what a table tells behind it is no part of it."""
_TAG = "buildkit"
_SCOPE = "contextsubdir="
_METADATA = f"{BUILDER_HOMES['buildkit']}/metadata"
_LOGINS = ("DOCKER_AUTH_CONFIG",)
_HUB = '["docker.io"]'
"""Where Buildah's settings say that a bare name is of Docker Hub, as each rendered file does."""


class Line:
    """A command line on its way: what it says in kaniko's flags.

    ``note`` hears what is not carried over, and ``within`` is where the line is reached at all.
    """

    def __init__(
        self, builder: str, conditions: Conditions, note: Callable[..., None], within: int = YES
    ) -> None:
        self.builder = builder
        self.conditions = conditions
        self.note = note
        self.within = within
        self.said: dict[Text, Item] = {}

    def flags(self, items: list[Item], switches: set[str], letters: dict[str, str]) -> list[Told]:
        """Its flags, and the words that are none."""
        return list(flags_of([*items], switches, letters, self.conditions, self.within))

    def of_build(
        self, items: list[Item], switches: set[str], letters: dict[str, str]
    ) -> list[Told]:
        """The flags of a build, and its folder, the last word that is none."""
        told = self.flags(items, switches, letters)
        folders = [one for one in told if not one.name]
        for one in folders[:-1]:
            if is_open(one.item):
                self.note("unknown-words", spell(one.item.text), line=one.item.line)
                told.remove(one)
        return told

    def alternatives(self, items: list[Item]) -> int:
        """How many words at the beginning are one: they exclude each other."""
        both, seen = self.conditions.guards.both, items[0].guard
        for count, item in enumerate(items[1:], 1):
            if self.conditions.possible(both(both(seen, item.guard), self.within)):
                return count
            seen = self.conditions.guards.either(seen, item.guard)
        return len(items)

    def left(self, told: Told) -> None:
        """Say that a flag is not carried over."""
        shown = f"--{told.name}" if told.name.endswith("creds") else told.shown
        word = "builder-flag/digest" if told.name == "metadata-file" else "builder-flag"
        self.note(word, shown, self.builder, line=told.item.line)

    def say(self, item: Item, name: str, value: Text | None = None) -> None:
        """Say something in a flag of kaniko, where its item stands."""
        text = _flag(name, value)
        whole = value is None or literal(value) is not None
        self.keep(item._replace(text=text, split=item.split and not whole))

    def where_on(self, item: Item, value: Text) -> Item:
        """The item, where a switch that has a value is on."""
        written = literal(value)
        if written is None:
            on = self.conditions.equal(value, ("true",), item.line)
        else:
            on = YES if written.lower() in {"true", "t", "1"} else NO
        return item._replace(guard=self.conditions.guards.both(item.guard, on))

    def carry(self, one: Told, ways: Mapping[str, str], itself: Collection[str]) -> None:
        """A flag by how kaniko's are said here; ``itself`` is what needs no word.

        A way that ends with a sign is followed by the value.
        """
        if one.name == "arch":
            one = one._replace(name="platform", value=join(("linux/", *(one.value or ()))))
        word = one.name if one.value is None else f"{one.name}={literal(one.value)}"
        whole = join((one.name, *(() if one.value is None else ("=", *one.value))))
        for way, name in ways.items():
            if way == word:
                self.say(one.item, name)
                return
            if way[-1] in "=:" and starts_with(whole, way):
                self.say(one.item, name, without_head(whole, way))
                return
        if not {one.name, word} & {*itself}:
            self.left(one)

    def keep(self, item: Item) -> None:
        """Say something once, wherever it is said."""
        before = self.said.get(item.text)
        if before is not None:
            item = item._replace(guard=self.conditions.guards.either(before.guard, item.guard))
        self.said[item.text] = item

    def says(self, item: Item, name: str, value: Text) -> bool:
        """Whether something is said wherever an item stands."""
        said = self.said.get(_flag(name, value))
        where = self.conditions.guards.both(item.guard, self.within)
        return self.conditions.implies(where, said.guard if said else NO)

    def words(self, line: int) -> list[Item]:
        """Everything that was said; ``--no-push`` says where no destination is."""
        kept = [item for text, item in self.said.items() if text != ("--no-push",)]
        silent = self.within
        for item in kept:
            if starts_with(item.text, "--destination="):
                silent = self.conditions.guards.minus(silent, item.guard)
        if self.conditions.possible(silent):
            kept.append(Item(silent, ("--no-push",), line=line))
        # a push may follow in a command of its own: two ways to build have the same words then
        return sorted(kept, key=lambda item: starts_with(item.text, "--destination="))


def line_at(reader: Reader, builder: str, path: int | None = None) -> Line:
    """A command line here or on a path, as far as the script has not stopped with an error."""
    path = reader.state.path if path is None else path
    within = reader.guards.both(path, reader.guards.negate(reader.failed))
    return Line(builder, reader.conditions, reader.note, within)


def _flag(name: str, value: Text | None) -> Text:
    return join((f"--{name}", *(() if value is None else ("=", *value))))


def build_words(line: Line, items: list[Item], usual: str) -> tuple[list[Item], list[Told]]:
    """The words of a build in kaniko's flags, and what it calls its image.

    ``usual`` is the format of Buildah's images where no flag says it.
    """
    if line.builder == "buildkit":
        told = line.flags(items, _BUILDKIT_SWITCHES, {})
        _buildkit(line, told)
    else:
        told = line.of_build(items, BUILDAH_SWITCHES, _BUILDAH_LETTERS)
        _buildah(line, told, usual)
    names = [one for one in told if one.name in NAMES]
    return line.words(items[0].line if items else 0), names


# -- BuildKit ------------------------------------------------------------------------------------


def _buildkit(line: Line, told: list[Told]) -> None:
    from ci_kaniko.builders.buildkit.arguments import CARRIED

    ways = {way[1]: name for name, said in CARRIED.items() if (way := _WAY.match(said))}
    names: list[tuple[Told, Text]] = []
    folder: Text = ()
    file: Told | None = None
    for one in told:
        pair = split_text(one.value or (), "=", 1)
        key, value = spell(pair[0]), pair[1] if len(pair) > 1 else ()
        if (one.name, key) == ("local", "context"):
            line.say(one.item, "context", value)
        elif (one.name, key) == ("local", "dockerfile"):
            folder = value
            file = file or one
        elif (one.name, key) == ("opt", "filename"):
            file = one
        elif (one.name, key) == ("opt", "context"):
            fetched(line, one, value)
        elif one.name == "output":
            names += ((one, name) for name in _output(line, one))
        elif one.name in {"export-cache", "import-cache"}:
            cached(line, one)
        elif one.name == "metadata-file" and literal(one.value or ()) == _METADATA:
            line.say(one.item, "digest-file", one.value)
        elif one.name == "secret" and "GIT_AUTH" in spell(one.value or ()):
            line.left(one)
        else:
            line.carry(one, ways, _BUILDKIT_ITSELF)
    for one, name in names:
        if not line.says(one.item, "destination", name):
            line.left(one._replace(value=join(("name=", *name))))
    if file is not None:
        name = split_text(file.value or (), "=", 1)[-1] if file.name == "opt" else ("Dockerfile",)
        whole = literal(folder) not in {"", ".", "./"}
        below = join((*folder, "/", *name)) if whole else name
        if any(one.name == "opt" and starts_with(one.value or (), _SCOPE) for one in told):
            # From the root of what is fetched, whatever folder of it is built.
            below = join((f"{FETCHED}/", *name))
        line.say(file.item, "dockerfile", below)
    if ("--reproducible",) in line.said:
        # The time of what is reproducible is an argument for BuildKit alone.
        line.said.pop(("--build-arg=SOURCE_DATE_EPOCH=0",), None)


def fetched(line: Line, one: Told, text: Text) -> None:
    """The address of an archive, or of a repository with a ref and a folder behind it."""
    if is_archive(text):
        line.say(one.item, "context", text)
        return
    address, *fragment = split_text(text, "#", 1)
    ref, *below = split_text(fragment[0], ":", 1) if fragment else [()]
    place = without_head(without_head(address, "https://"), "git://")
    line.say(one.item, "context", join(("git://", *place, *(("#", *ref) if ref else ()))))
    if below:
        line.say(one.item, "context-sub-path", below[0])


def is_archive(text: Text) -> bool:
    """Whether an address is no repository: that of one ends with ``.git`` for each builder."""
    path = split_text(split_text(text, "#", 1)[0], "?", 1)[0]
    end = path[-1] if path else ""
    written = isinstance(end, str) and not end.endswith(".git")
    return starts_with(text, "https://") and written


def _output(line: Line, one: Told) -> list[Text]:
    """``--output``: names, whether they are pushed, and how.

    Gives the names that it does not push; another one may.
    """
    from ci_kaniko.builders.buildkit.arguments import LAYOUT

    given = fields(line, one, ("true",))
    kind = literal(given.pop("type", ("image",)))
    push = given.pop("push", ("false",))
    names = split_text(given.pop("name", ()), ",")
    file = {("docker", "dest"): "tar-path", ("oci", "tar"): "oci-layout-path"}
    archive = next((name for (of, key), name in file.items() if of == kind and key in given), "")
    if archive == "oci-layout-path" and literal(given.pop("tar")) != "false":
        archive = ""
    if archive and literal(given.get("dest", ())) != "-":
        # What a layout of ours is called says nothing.
        names = [name for name in names if literal(name) != LAYOUT]
        line.say(one.item, archive, given.pop("dest", ()))
    elif kind not in {"image", "registry"}:
        line.left(one)
        return []
    layers = [literal(given.get(key, ())) for key in ("compression", "oci-mediatypes")]
    if layers == ["zstd", "true"]:
        del given["oci-mediatypes"]  # nothing else holds them
    pushed = one.item if kind == "registry" else line.where_on(one.item, push)
    if pushed.guard != NO:
        for name in names:
            line.say(pushed, "destination", name)
    for key, value in given.items():
        _attribute(line, one, key, value)
    return [name for name in names if name] if pushed.guard == NO else []


def _attribute(line: Line, one: Told, key: str, value: Text) -> None:
    written = literal(value)
    if key == "force-compression":
        return
    if key.startswith("annotation."):
        line.say(one.item, "annotation", join((f"{key.removeprefix('annotation.')}=", *value)))
    elif key == "oci-mediatypes":
        line.say(one.item, "image-format", ("oci" if written == "true" else "docker",))
    elif key in {"compression", "compression-level"}:
        line.say(one.item, key, value)
    elif key == "registry.insecure" and written == "true":
        line.say(one.item, "insecure")
    elif key == "rewrite-timestamp" and written == "true":
        line.say(one.item, "reproducible")
    else:
        line.left(one._replace(value=join((f"{key}=", *value))))


def cached(line: Line, one: Told) -> None:
    """Where layers are kept: in a registry, or nowhere that another build finds."""
    given = fields(line, one)
    if literal(given.get("type", ())) != "registry" or "ref" not in given:
        line.left(one)
        return
    bare, tag = _tagged(given["ref"])
    if tag and tag != (_TAG,):
        line.note("builder-cache-tag", spell(tag), line=one.item.line)
    line.say(one.item, "cache")
    line.say(one.item, "cache-repo", bare)


def _tagged(reference: Text) -> tuple[Text, Text]:
    """A reference without its tag, and the tag."""
    *head, last = split_text(reference, "/")
    name, *tag = split_text(last, ":", 1)
    parts: list[Part] = [part for piece in head for part in (*piece, "/")]
    return join((*parts, *name)), tag[0] if tag else ()


def fields(line: Line, one: Told, bare: Text = ()) -> dict[str, Text]:
    """What the fields of a flag say; one may be ``bare``, and the last of a name counts."""
    given: dict[str, Text] = {}
    for name, value in csv_fields(one.value or ()):
        if name in given:
            line.left(one._replace(value=join((f"{name}=", *given[name]))))
        given[name] = bare if value is None else value
    return given


# -- Buildah -------------------------------------------------------------------------------------


def _carried_by_buildah(head: str) -> dict[str, str]:
    """Kaniko's flags by those of a command of Buildah, with ``=`` where a value follows."""
    from ci_kaniko.builders.buildah.arguments import CARRIED

    return {
        way.removeprefix(head): name for name, way in CARRIED.items() if way.startswith(f"{head}")
    }


def _buildah(line: Line, told: list[Told], usual: str) -> None:
    names = _carried_by_buildah("--")
    whole = Item(YES, (), line=told[0].item.line if told else 0)
    cached = any(one.name in {"cache-from", "cache-to"} for one in told)
    formats = [one for one in told if one.name == "format"]
    for one in told:
        if one.name in {*NAMES, "format"}:
            continue
        if not one.name:
            line.say(one.item, "context", one.value)
        elif one.name in {"cache-from", "cache-to"}:
            line.say(one.item, "cache-repo", one.value)
            line.say(one.item, "cache")
        elif one.name != "layers":
            line.carry(one, names, _BUILDAH_ITSELF)
        elif not cached and literal(one.value or ()) != "false":
            line.left(one)
    if told and all(one.name for one in told):
        line.say(whole, "context", (".",))
    given = formats[-1] if formats else None
    written = usual if given is None else literal(given.value or ()) or ""
    rendered = "oci" if any(one.name == "annotation" for one in told) else "docker"
    if written not in {"oci", "docker"} and given is not None:
        line.left(given)
    elif written != rendered and told:
        # A spec without a word of it gets the other one.
        line.say(given.item if given else whole, "image-format", (written,))


def image_name(text: Text) -> Text:
    """The name of an image in Buildah's store."""
    text = without_head(without_head(text, "containers-storage:"), "localhost/")
    last = text[-1] if text else ""
    return join((*text[:-1], last.removesuffix(":latest"))) if isinstance(last, str) else text


def named(reader: Reader, names: list[Told], call: int) -> None:
    """Remember what a build calls its image; a name of ``localhost`` is for the script alone."""
    lists = {image_name(one.value or ()): one for one in names if one.name == "manifest"}
    for place, one in {at: lists[name] for name, at in reader.images if name in lists}.items():
        if _is_one_more(reader, place, len(reader.calls) - 1):
            call = place
            break
        reader.note("builder-flag", one.shown, reader.calls[call].builder, line=one.item.line)
    for one in names:
        name = one.value or ()
        reader.images.append((image_name(name), call))
        if not starts_with(name, "localhost/"):
            reader.unpushed[image_name(name)] = one.item.line


def listed(reader: Reader, items: list[Item]) -> bool:
    """Make a list of images, or add to it what the script has built for one more platform.

    Whether that is asked, and a spec can say it: one build has all platforms then, and the names
    of none.
    """
    group, _, items = subcommand(items)
    command, _, items = subcommand(items) if group == "manifest" else ("", [], [])
    if command not in {"create", "add"}:
        return False
    texts = [item.text for item in items]
    name, *images = [image_name(text) for text in texts if not starts_with(text, "-")] or [()]
    if command == "create" and name:
        reader.lists.add(name)
    if name not in reader.lists or any(
        starts_with(t, "-") and literal(t) != "--all" for t in texts
    ):
        return False
    if all(_is_added(reader, name, image) for image in images):
        return True
    reader.lists.discard(name)
    reader.images = [(known, at) for known, at in reader.images if known != name]
    return False


def _is_added(reader: Reader, name: Text, image: Text) -> bool:
    made = [at for known, at in reader.images if known == image]
    kept = next((at for known, at in reader.images if known == name), None)
    if len(made) != 1 or reader.calls[made[0]].path != reader.state.path:
        return False
    if kept is None:
        reader.images.append((name, made[0]))
    elif not _is_one_more(reader, kept, made[0]):
        return False
    else:
        reader.images = [(known, at) for known, at in reader.images if at != kept or known == name]
    reader.unpushed[name] = reader.unpushed.pop(image, reader.line)
    return True


def _is_one_more(reader: Reader, place: int, more_at: int) -> bool:
    """Whether a build is one before it for another platform; that has both then."""
    calls = reader.calls[place], reader.calls[more_at]
    found = [[it for it in call.items if starts_with(it.text, _PLATFORM)][-1:] for call in calls]
    rest = [
        (call.path, [(it.guard, it.text) for it in call.items if [it] != platform])
        for call, platform in zip(calls, found, strict=True)
    ]
    if not all(found) or rest[0] != rest[1]:
        return False
    (have,), (more,) = found
    both = have._replace(text=join((*have.text, ",", *without_head(more.text, _PLATFORM))))
    items = [both if it == have else it for it in calls[0].items]
    reader.calls[place] = calls[0]._replace(items=items)
    del reader.calls[more_at]
    reader.images = [(name, at - (at > more_at)) for name, at in reader.images if at != more_at]
    return True


_PLATFORM = "--custom-platform="
_FILES = {"docker-archive": "tar-path", "oci": "oci-layout-path"}
_TRANSPORTS = {"containers-storage", "dir", "docker-daemon", "oci-archive", "ostree", "sif"}
"""Where Buildah pushes to that is no registry."""
_PUSH_SWITCHES = {*BUILDAH_SWITCHES, "all-tags", "disable-content-trust"}


def push_words(line: Line, items: list[Item]) -> tuple[list[Text], list[Item], list[Told]]:
    """What a push of Buildah's or of a daemon's does.

    Gives the names of its image, what it says in kaniko's flags, and what it logs in with.
    """
    names = _carried_by_buildah("buildah push --")
    words: list[Told] = []
    logins: list[Told] = []
    for one in line.flags(items, _PUSH_SWITCHES, {**_BUILDAH_LETTERS, "a": "all-tags"}):
        if one.name == "creds":
            logins.append(one)
        elif one.name:
            line.carry(one, names, _BUILDAH_ITSELF)
        else:
            words.append(one)
    image = line.alternatives([one.item for one in words]) if words else 0
    for target in words[image:] or words[:image]:
        place = without_head(target.value or (), "docker://")
        kind, *rest = split_text(place, ":", 1)
        archive = _FILES.get(literal(kind) or "")
        if archive and rest:
            line.say(target.item, archive, split_text(rest[0], ":", 1)[0])
        elif rest and literal(kind) in _TRANSPORTS:
            line.left(target)
        else:
            line.say(target.item, "destination", place)
    images = [image_name(one.value or ()) for one in words[:image]]
    return images, [*line.said.values()], logins


def subcommand(items: list[Item]) -> tuple[str, list[Item], list[Item]]:
    """What a builder is to do: the words before that, and those behind it."""
    rest = list(items)
    before: list[Item] = []
    while rest and (starts_with(rest[0].text, "-") or is_open(rest[0])):
        item = rest.pop(0)
        before.append(item)
        alone = {"--debug", "--tls", None}
        takes = "=" not in spell(item.text) and literal(item.text) not in alone
        if takes and rest and not starts_with(rest[0].text, "-"):
            before.append(rest.pop(0))
    name = literal(rest[0].text) if rest else ""
    return name or "", before, rest[1:]


def is_open(item: Item) -> bool:
    """Whether a word may be any flags, for nothing says what it is, and it has no quotes."""
    return item.split and len(item.text) == 1 and not literal(item.text)


FOR_NAMESPACES = "kernel.apparmor_restrict_unprivileged_userns=0"
"""What a machine of Ubuntu's allows builders, as the rendered job does by itself."""


def use_own(reader: Reader, name: str, items: list[Item]) -> None:
    """What the rendered script does for a builder: its variables, settings and checkout."""
    from ci_kaniko.builders.registry import builder

    known, uses = builder(name), reader.uses
    uses.use(FOR_NAMESPACES, *(f"${variable}" for variable in (*known.unset, *_LOGINS)))
    for variable, wanted in known.env.items():
        if all(literal(text) == wanted for _, text in reader.state.value(variable)):
            uses.use(f"${variable}")
    options = reader.container.options if reader.container else ()
    folders = [
        spell(outside) for outside, inside in mounts(options) if spell(inside) == known.settings
    ]
    folders.append(known.settings)
    for path, written in reader.state.files.items():
        texts = ((literal(text) or "[").replace(_HUB, "") for _, text in written)
        # Settings are those of every build where no registry is reached in another way.
        if spell(path).rpartition("/")[0] in folders and all("[" not in text for text in texts):
            uses.use(file_thing(spell(path)))
    for item in items:
        if starts_with(item.text, "--context="):
            uses.use(file_thing(spell(without_head(item.text, "--context="))))
