"""settings get, set, reset, list: what holds for everybody on this database, and what holds for this process."""

from __future__ import annotations

from typing import Any

from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.output import table
from backend_core.cli.settings_document import document
from backend_core.errors import InvalidInput
from backend_core.house.declaration import FIELDS, HouseField, Value
from backend_core.house.service import HouseState
from backend_core.settings import SettingFact, describe


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("settings", help="house and process settings", description="house and process settings")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    getting = command(verbs, "get", _get, help="show one setting, or every house setting")
    getting.add_argument("name", nargs="?", type=words)
    setting = command(verbs, "set", _set, help="change house settings, all at once or none")
    setting.add_argument("pairs", nargs="+", type=words, metavar="NAME VALUE")
    setting.add_argument("--version", type=int, help="refuse when somebody changed them since this version")
    resetting = command(verbs, "reset", _reset, help="set house settings back to what is delivered")
    resetting.add_argument("names", nargs="+", type=words, metavar="NAME")
    listing = command(verbs, "list", _list, help="list every setting with its bounds")
    listing.add_argument("--process", action="store_true", help="those of this process instead of those of the house")
    listing.add_argument("--markdown", action="store_true", help="print the page of the documents")


def _get(context: Context) -> int:
    name = context.arguments.name
    facts = next((fact for fact in describe(context.settings) if fact.name == name), None)
    if facts is not None:
        context.output.result(facts, text=facts.value)
        return 0
    if name is not None:
        _field(name)
    with context.backend() as (backend, actor):
        state = backend.house.read(actor)
    if name is not None:
        context.output.result(_one(FIELDS[name], state), text=_shown(state.value(name)))
        return 0
    rows = [(field.name, _shown(state.value(field.name)), field.unit, field.title) for field in FIELDS.values()]
    values = {name: state.value(name) for name in FIELDS}
    value = {"version": state.version, "changed_at": state.changed_at, "changed_by": state.changed_by, "values": values}
    context.output.result(value, text=table(("setting", "value", "unit", "what"), rows, empty=""))
    return 0


def _set(context: Context) -> int:
    pairs: list[str] = context.arguments.pairs
    if len(pairs) % 2:
        raise InvalidInput(f"There is no value for {pairs[-1][:60]}.")
    changes: dict[str, Value | None] = {}
    for name, text in zip(pairs[::2], pairs[1::2], strict=True):
        field = _field(name)
        value = field.parsed(text)
        if value is None:
            raise InvalidInput(field.refusal)
        changes[name] = value
    return _update(context, changes, version=context.arguments.version)


def _reset(context: Context) -> int:
    return _update(context, {_field(name).name: None for name in context.arguments.names}, version=None)


def _update(context: Context, changes: dict[str, Value | None], *, version: int | None) -> int:
    with context.backend() as (backend, actor):
        known = backend.house.read(actor).version if version is None else version
        state = backend.house.update(changes, version=known, actor=actor)
    rows = [(name, _shown(state.value(name)), FIELDS[name].unit) for name in changes]
    value = {"version": state.version, "values": {name: state.value(name) for name in changes}}
    context.output.result(value, text=table(("setting", "value", "unit"), rows, empty=""))
    for name in changes:
        if not FIELDS[name].in_use:
            context.output.note(f"{name} is kept, but this version does not act on it yet.")
    return 0


def _list(context: Context) -> int:
    if context.arguments.markdown:
        context.output.result({"markdown": document()}, text=document().removesuffix("\n"))
        return 0
    if context.arguments.process:
        facts = describe(context.settings)
        context.output.result(facts, text=table(("setting", "value", "from", "what"), [_line(fact) for fact in facts], empty=""))
        return 0
    rows = [(field.name, _shown(field.default), field.rule, field.description) for field in FIELDS.values()]
    context.output.result(tuple(FIELDS.values()), text=table(("setting", "delivered", "accepts", "what"), rows, empty=""))
    return 0


def _line(fact: SettingFact) -> tuple[str, str, str, str]:
    return fact.name, fact.value, fact.source, fact.description


def _field(name: str) -> HouseField:
    if name not in FIELDS:
        raise InvalidInput(f"There is no setting {name[:60]!r}; `lecternctl settings list` names them.")
    return FIELDS[name]


def _one(field: HouseField, state: HouseState) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": field.name, "value": state.value(field.name), "unit": field.unit, "default": field.default}
    return facts | {"accepts": field.rule, "in_use": field.in_use, "version": state.version}


def _shown(value: Value) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
