"""Migrations that make many tables, without drawing the whole model anew for each of them.

After each operation Django renders again every model that a foreign key leads to, however far: nine tenths of the
time in which a database was made. Neighboring operations of one kind are applied to the state at once instead, and the
models are rendered once. The statements are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddField, AddIndex, AlterField, CreateModel, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Of each kind: none changes what another one made.
INDEPENDENT = (CreateModel, AddField, AddIndex, AddConstraint, AlterField, RemoveIndex)


def together(operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations with neighbors of one kind grouped; wrap a migration's list in it."""
    found: list[Operation] = []
    for kind, neighbors in groupby(operations, key=type):
        group = list(neighbors)
        found += [Together(group)] if kind in INDEPENDENT and len(group) > 1 else group
    return found


class Together(Operation):
    """Operations of one kind, applied to the state at once."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)  # rendered when they are asked for next
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)
