"""The import contract of the rooms: which module of an app may import which, inside the app and across apps.

Floors (which app may import which) are import-linter's own layers contract; this is the finer rule. Configured in
pyproject.toml, run by `lint-imports`. An exception is written there as `importer -> imported: reason`; one that is no
longer needed breaks the contract too, so that none survives its reason.
"""

from typing import TYPE_CHECKING

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

CONCEPT = "concept"  # any module named by a concept of the domain
PURE = {"states", "events"}
BOUNDARY = {"forms", "views", "api", "admin", "tasks", "urls", "management", "context_processors", "templatetags"} | {
    "consumers",  # react to events of lower floors through an action of their own
}
VOCABULARY = {"ledger.models"}  # streams, parties, events: the rows that everything above refers to
DECLARATIONS = {"orders.inputs", "orders.step_kinds"}  # one declaration serves form, REST schema and OpenAPI
DOORS = {"orders.flow"}  # its `perform` is the action behind every step of every kind

BELOW_ACTIONS = PURE | {"models", "policies", "queries", CONCEPT}
WIRING = {"apps", "migrations"}  # declare the app to Django; may import what they start

OWN: dict[str, set[str]] = {
    "states": set(),
    "events": {"states"},
    "models": {"states"},
    "policies": PURE | {"models", CONCEPT},
    "queries": PURE | {"models", "policies", CONCEPT},
    CONCEPT: PURE | {"models", CONCEPT},
    "actions": BELOW_ACTIONS,
    "steps": BELOW_ACTIONS | {"actions"},
    **{room: PURE | BOUNDARY | {"actions", "queries"} for room in BOUNDARY},
}
OWN["admin"] = OWN["admin"] | {"models"}  # read-only registers are declared per model
ACROSS = PURE | {"actions", "queries", CONCEPT}
COMPOSITION_ROOT = "cgt"


class RoomsContract(Contract):
    """Every import between modules of the listed apps goes through a door that the house allows."""

    type_name = "rooms"

    apps = fields.ListField(subfield=fields.StringField())
    exceptions = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:
        """Judge each direct import once."""
        excused = {entry.partition(":")[0].strip() for entry in self._texts("exceptions")}
        apps = {*self._texts("apps"), COMPOSITION_ROOT}
        broken, used = [], set()
        for importer in sorted(graph.modules):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if not {importer.split(".")[0], imported.split(".")[0]} <= apps or is_allowed(importer, imported):
                    continue
                edge = f"{importer} -> {imported}"
                matching = {entry for entry in excused if covers(entry, edge)}
                used |= matching
                if not matching:
                    broken.append(edge)
        stale = sorted(excused - used)
        return ContractCheck(kept=not broken and not stale, metadata={"broken": broken, "stale": stale})

    def _texts(self, name: str) -> list[str]:
        """A list field as import-linter fills it in (it declares fields, not types)."""
        return list(getattr(self, name) or [])

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that has no door, and each exception without a reason."""
        for edge in check.metadata["broken"]:
            output.print_error(f"{edge}: no such door", bold=False)
        for entry in check.metadata["stale"]:
            output.print_error(f"{entry}: this exception is not needed any more", bold=False)


def room(module: str) -> str:
    """The second name of a module when the house knows it, a concept otherwise; a package itself is no room."""
    parts = module.split(".")
    if len(parts) == 1:
        return ""
    if ".".join(parts[:2]) in DOORS:
        return "actions"
    return parts[1] if parts[1] in OWN or parts[1] in WIRING else CONCEPT


def is_allowed(importer: str, imported: str) -> bool:
    """Whether the house has a door from one module to the other (the floors are checked elsewhere)."""
    from_app, to_app = importer.split(".")[0], imported.split(".")[0]
    source, target = room(importer), room(imported)
    if source in WIRING or target == "" or (from_app == to_app and source == target):
        return True
    if from_app == COMPOSITION_ROOT:
        return to_app == COMPOSITION_ROOT or target in ACROSS | BOUNDARY
    place = ".".join(imported.split(".")[:2])
    if from_app == to_app:
        return target in OWN.get(source, set()) or (source in BOUNDARY and place in DECLARATIONS)
    if place in VOCABULARY:
        return source not in PURE | BOUNDARY
    return target in ACROSS


def covers(entry: str, edge: str) -> bool:
    """Whether an exception names this import; `*` stands for any one name, `**` for any rest."""
    wanted = [side.strip().split(".") for side in entry.split("->")]
    actual = [side.strip().split(".") for side in edge.split("->")]
    return len(wanted) == 2 and all(_matches(want, have) for want, have in zip(wanted, actual, strict=True))


def _matches(want: list[str], have: list[str]) -> bool:
    if want and want[-1] == "**":
        return len(have) >= len(want) - 1 and _matches(want[:-1], have[: len(want) - 1])
    return len(want) == len(have) and all(a in ("*", b) for a, b in zip(want, have, strict=True))
