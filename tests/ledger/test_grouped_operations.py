"""Operations that are applied together make the same state and the same statements as one by one."""

from collections.abc import Sequence

import pytest
from django.db import connection, models
from django.db.migrations.operations import AddConstraint, AddField, AlterField, CreateModel, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from ledger.grouped_operations import Together, together

APP = "fictional"


def tables() -> list[Operation]:
    """Two tables that refer to each other, a constraint on each, and a statement between them."""
    key = ("id", models.BigAutoField(primary_key=True))
    to_first = models.ForeignKey("fictional.first", models.CASCADE)
    positive = models.CheckConstraint(condition=models.Q(size__gte=0), name="fictional_positive")
    small = models.CheckConstraint(condition=models.Q(size__lte=9), name="fictional_small")
    return [
        CreateModel("First", [key, ("size", models.IntegerField())]),
        CreateModel("Second", [key, ("size", models.IntegerField()), ("first", to_first)]),
        AddField("first", "second", models.ForeignKey("fictional.second", models.CASCADE, null=True)),
        AddField("second", "code", models.SlugField(default="")),
        RunSQL("select 1", "select 2"),
        AlterField("first", "size", models.BigIntegerField()),
        AlterField("second", "code", models.SlugField(default="", db_index=False)),
        AddConstraint("first", positive),
        AddConstraint("second", small),
    ]


def applied(operations: Sequence[Operation], *, backwards: bool = False) -> tuple[ProjectState, list[str]]:
    """Return the state after all operations, and the statements that they would send (or that would undo them)."""
    states = [ProjectState()]
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        for operation in operations:
            states.append(states[-1].clone())
            operation.state_forwards(APP, states[-1])
            if not backwards:
                operation.database_forwards(APP, editor, states[-2], states[-1])
        if backwards:
            for nth, operation in reversed(list(enumerate(operations))):
                operation.database_backwards(APP, editor, states[nth + 1], states[nth])
    return states[-1], [line for line in editor.collected_sql or [] if not line.startswith("--")]


def test_neighbors_of_one_kind_are_grouped() -> None:
    grouped = together(tables())
    kinds = [type(operation).__name__ for operation in grouped]
    assert kinds == ["Together", "Together", "RunSQL", "Together", "Together"]
    assert grouped[0].describe() == "Create model First; Create model Second"
    assert isinstance(grouped[1], Together) and len(grouped[1].operations) == 2
    assert together(tables()[:1])[0].describe() == "Create model First"


@pytest.mark.django_db
@pytest.mark.parametrize("backwards", [False, True])
def test_state_and_statements_are_those_of_one_by_one(*, backwards: bool) -> None:
    one_by_one, statements = applied(tables(), backwards=backwards)
    at_once, together_statements = applied(together(tables()), backwards=backwards)
    assert at_once == one_by_one and set(at_once.models) == {(APP, "first"), (APP, "second")}
    assert sorted(together_statements) == sorted(statements)
    assert len(statements) >= 5
