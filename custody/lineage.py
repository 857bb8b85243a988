"""What was made of what, as one reads it and as it is drawn: generations from left to right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from custody import genealogy
from custody.models import Container, Conversion

COLUMN, ROW, BOX_WIDTH, BOX_HEIGHT, MARGIN = 260, 84, 210, 66, 8  # of the drawing, in its own units


@dataclass(frozen=True)
class Act:
    """One act with its containers."""

    row: Conversion
    parents: list[Container]
    children: list[Container]


@dataclass
class Node:
    """A container in the drawing; ``children`` in the order in which they are drawn."""

    container: Container
    generation: int
    parents: list[Container]
    children: list[Node]
    x: int = MARGIN
    y: int = MARGIN

    @property
    def origin_unknown(self) -> bool:
        """Whether it comes from nowhere that is recorded: neither a parent nor a donation nor a lot (I3)."""
        begun = self.container.state not in ("planned", "labelled")
        return begun and not self.parents and not genealogy.has_known_origin(self.container)


@dataclass(frozen=True)
class Line:
    """From a container to what was made of it."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def path(self) -> str:
        middle = (self.x1 + self.x2) // 2
        return f"M{self.x1} {self.y1}C{middle} {self.y1} {middle} {self.y2} {self.x2} {self.y2}"


class Lineage:
    """The containers of an order and the acts that made them of one another."""

    def __init__(
        self,
        containers: Iterable[Container],
        edges: Iterable[tuple[UUID, UUID, UUID | None]],
        acts: Iterable[Conversion],
    ) -> None:
        """``edges``: (parent, child, act) by id; an edge from before acts were recorded has none."""
        self.containers = list(containers)
        by_id = {container.pk: container for container in self.containers}
        self.parents: dict[UUID, list[Container]] = defaultdict(list)
        self.children: dict[UUID, list[Container]] = defaultdict(list)
        used: dict[UUID | None, dict[UUID, Container]] = defaultdict(dict)
        made: dict[UUID | None, dict[UUID, Container]] = defaultdict(dict)
        for parent, child, act in edges:
            self.parents[child].append(by_id[parent])
            self.children[parent].append(by_id[child])
            used[act][parent], made[act][child] = by_id[parent], by_id[child]
        self.acts = [Act(row, [*used[row.pk].values()], [*made[row.pk].values()]) for row in acts]

    def ancestors(self, container: Container) -> list[Container]:
        """Return everything a container was made from, nearest first (I3)."""
        found: dict[UUID, Container] = {}
        wave = [container]
        while wave:
            before = [parent for one in wave for parent in self.parents[one.pk]]
            wave = [*{parent.pk: parent for parent in before if parent.pk not in found}.values()]
            found |= {parent.pk: parent for parent in wave}
        return list(found.values())

    def nodes(self) -> list[Node]:
        """Return every container with its place, generation by generation; a child stands beside its parents."""
        generation: dict[UUID, int] = {}
        for container in self.containers:
            self._generation(container, generation)
        nodes = {c.pk: Node(c, generation[c.pk], self.parents[c.pk], []) for c in self.containers}
        columns: dict[int, list[Node]] = defaultdict(list)
        for node in nodes.values():
            node.x += node.generation * COLUMN
            columns[node.generation].append(node)
        for number in sorted(columns):
            columns[number].sort(key=lambda node: _beside(node, nodes))
            for place, node in enumerate(columns[number]):
                node.y = MARGIN + place * ROW
        for node in nodes.values():
            found = (nodes[child.pk] for child in self.children[node.container.pk])
            node.children = sorted(found, key=lambda child: child.y)
        return [node for number in sorted(columns) for node in columns[number]]

    def _generation(self, container: Container, known: dict[UUID, int]) -> int:
        if container.pk not in known:
            before = [self._generation(parent, known) for parent in self.parents[container.pk]]
            known[container.pk] = max(before, default=-1) + 1
        return known[container.pk]


def _beside(node: Node, nodes: dict[UUID, Node]) -> tuple[float, str, int]:
    above = [nodes[parent.pk].y for parent in node.parents]
    return (sum(above) / len(above) if above else 0, node.container.kind, node.container.position)


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines, and how large the sheet is."""

    nodes: list[Node]
    lines: list[Line]
    width: int
    height: int


def drawn(nodes: list[Node]) -> Drawing:
    """Return the drawing of a lineage: boxes at their places, a line from each to what was made of it."""
    half = BOX_HEIGHT // 2
    lines = [
        Line(node.x + BOX_WIDTH, node.y + half, child.x, child.y + half) for node in nodes for child in node.children
    ]
    width = max((node.x for node in nodes), default=0) + BOX_WIDTH + MARGIN
    height = max((node.y for node in nodes), default=0) + BOX_HEIGHT + MARGIN
    return Drawing(nodes, lines, width, height)
