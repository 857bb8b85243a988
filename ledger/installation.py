"""Installs the braces after every ``migrate``: row policies, history triggers, append-only triggers, rights.

Everything is generated from the models' declarations, so that schema and walls cannot drift apart; a house test
compares the database with the declarations. Idempotent, run by the owner role.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models import Model

from ledger.history import STAMP_COLUMNS
from ledger.models import WalledModel
from ledger.walls import EVENT_OPEN, ME, KnownTo, Outside, Parties, Wall

APP_ROLES = ("cgt_app", "cgt_relay")
AUDITOR_ROLE = "cgt_auditor"
TRANSITIONS = {  # the rows of a statement, as its trigger of history sees them
    "insert": "new table as fresh",
    "update": "new table as fresh old table as former",
    "delete": "old table as fresh",
}


def walled_models() -> list[type[WalledModel]]:
    """Return every concrete model that declares a wall, in a stable order."""
    found = [model for model in apps.get_models() if issubclass(model, WalledModel)]
    return sorted(found, key=lambda model: model._meta.db_table)


def history_model(model: type[Model]) -> type[Model] | None:
    manager = getattr(model, "history", None)
    return getattr(manager, "model", None)


def install_after_migrate(sender: Any, using: str, **_: Any) -> None:
    if connections[using].vendor == "postgresql":
        install(using)


def install(using: str = "default") -> None:
    """(Re)create policies, triggers and rights on the database ``using``."""
    with connections[using].cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('cgt.installation'))")
        cursor.execute("select rolname from pg_roles where rolname like 'cgt\\_%%'")
        roles = {name for (name,) in cursor.fetchall()}
        for statement in statements(roles):
            cursor.execute(statement)


def statements(roles: set[str]) -> Iterator[str]:
    yield from _shared_functions()
    for model in walled_models():
        table = model._meta.db_table
        yield from _policies(table, model.wall, deletable=model.deletable)
        if isinstance(model.wall, KnownTo) and model.wall.partners_write:
            yield from _partners_columns(model, model.wall)
        if model.append_only:
            yield from _append_only(table)
        history = history_model(model)
        if history is not None:
            yield from _tracking(model, history)
            yield from _history_policies(history._meta.db_table, model.wall.for_history())
            yield from _append_only(history._meta.db_table)
    yield from _party_arrays()
    yield from _chain_without_content()
    yield from _directory()
    yield from _rights(roles)


def _shared_functions() -> Iterator[str]:
    yield "create sequence if not exists ledger_row_seq"
    yield """
create or replace function ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the record is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'CG002';
end $$"""


def _policies(table: str, wall: Wall, *, deletable: bool) -> Iterator[str]:
    for command in ("select", "insert", "update", "delete"):
        yield f"drop policy if exists cgt_{command} on {table}"
    if isinstance(wall, Outside):
        yield f"alter table {table} disable row level security"
        return
    yield f"alter table {table} enable row level security"
    yield f"alter table {table} force row level security"
    read = wall.read_sql(table)
    yield f"create policy cgt_select on {table} for select using ({read})"
    yield f"create policy cgt_insert on {table} for insert with check ({wall.insert_sql(table)})"
    yield f"create policy cgt_update on {table} for update using ({read}) with check ({EVENT_OPEN} and {read})"
    if deletable:
        yield f"create policy cgt_delete on {table} for delete using ({EVENT_OPEN} and {read})"


def _partners_columns(model: type[WalledModel], wall: KnownTo) -> Iterator[str]:
    """A partner's update changes the named columns and nothing else; whose row it is stays so for everybody."""
    table = model._meta.db_table
    kept = [str(field.column) for field in model._meta.concrete_fields if not field.generated]
    kept = [column for column in kept if column not in wall.partners_write]
    now, before = (", ".join(f'{side}."{column}"' for column in kept) for side in ("new", "old"))
    yield f"""
create or replace function partners_{table}() returns trigger language plpgsql as $$
declare acting uuid := {ME};
begin
  if acting is not null and old.{wall.organization} <> acting
     and ({now}) is distinct from ({before}) then
    raise exception 'a partner changes nothing of {table} but {", ".join(wall.partners_write)}' using errcode = 'CG004';
  end if;
  return new;
end $$"""
    yield f"drop trigger if exists ledger_partners on {table}"
    yield (f"create trigger ledger_partners before update on {table} for each row execute function partners_{table}()")


def _history_policies(table: str, wall: Wall) -> Iterator[str]:
    for command in ("select", "insert"):
        yield f"drop policy if exists cgt_{command} on {table}"
    if isinstance(wall, Outside):
        yield f"alter table {table} disable row level security"
        return
    yield f"alter table {table} enable row level security"
    yield f"alter table {table} force row level security"
    yield f"create policy cgt_select on {table} for select using ({wall.read_sql(table)})"
    yield f"create policy cgt_insert on {table} for insert with check ({EVENT_OPEN})"


def _append_only(table: str) -> Iterator[str]:
    yield f"drop trigger if exists ledger_append_only on {table}"
    yield (
        f"create trigger ledger_append_only before update or delete on {table}"
        " for each row execute function ledger_refuse_change()"
    )
    yield from _no_truncate(table)


def _no_truncate(table: str) -> Iterator[str]:
    yield f"drop trigger if exists ledger_no_truncate on {table}"
    yield (
        f"create trigger ledger_no_truncate before truncate on {table}"
        " for each statement execute function ledger_refuse_change()"
    )


def tracked_columns(model: type[Model], history: type[Model]) -> list[str]:
    own = {field.column for field in model._meta.concrete_fields}
    columns = [str(field.column) for field in history._meta.concrete_fields]
    return [column for column in columns if column in own and column not in STAMP_COLUMNS]


def _tracking(model: type[WalledModel], history: type[Model]) -> Iterator[str]:
    """Keep each row that a statement wrote, removed or (in a column that is tracked) changed: all rows of it at once.

    Each row's text goes into the open event's digest, in the order of their numbers (``ledger.verification``).
    """
    table, history_table = model._meta.db_table, history._meta.db_table
    columns = tracked_columns(model, history)
    names, columns_seen = (", ".join(f'{of}"{column}"' for column in columns) for of in ("", "seen."))
    compared = [column for column in columns if column not in model.untracked_columns]
    now, before = (", ".join(f'{side}."{column}"' for column in compared) for side in ("n", "o"))
    key = f'"{model._meta.pk.column}"'
    names_out = ", ".join(f"'{column}'" for column in model.untracked_columns)
    content = f"(to_jsonb(n){f' - array[{names_out}]::text[]' if names_out else ''})::text"
    changed = f"fresh n left join former o on o.{key} = n.{key} where ({now}) is distinct from ({before})"

    def kept(rows: str) -> str:
        return f"""
    with seen as materialized (
      select n.*, {content} as row_as_text, nextval('ledger_row_seq') as row_number from {rows}),
    kept as (
      insert into {history_table} ({names}, event_id, row_text, history_id, history_date, history_type, history_user_id)
      select {columns_seen}, ledger_act, seen.row_as_text, seen.row_number, clock_timestamp(), ledger_op,
             nullif(current_setting('cgt.user', true), '')::uuid from seen)
    select array_agg(seen.row_as_text order by seen.row_number) into ledger_texts from seen;"""

    yield f"""
create or replace function track_{table}() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare  -- named as no column is
  ledger_act uuid := nullif(current_setting('cgt.event', true), '')::uuid;
  ledger_op text := case tg_op when 'INSERT' then '+' when 'UPDATE' then '~' else '-' end;
  ledger_digest text := coalesce(current_setting('cgt.rows', true), '');
  ledger_text text;
  ledger_texts text[];
begin
  if ledger_act is null then
    if not exists (select 1 from fresh) then return null; end if;
    raise exception 'no write without an author: % on {table} has no open event', tg_op using errcode = 'CG001';
  end if;
  if tg_op = 'UPDATE' then{kept(changed)}
  else{kept("fresh n")}
  end if;
  if ledger_texts is null then return null; end if;
  foreach ledger_text in array ledger_texts loop
    ledger_digest := encode(sha256(convert_to(
      ledger_digest || '|{table}|' || ledger_op || '|' || ledger_text, 'UTF8')), 'hex');
  end loop;
  perform set_config('cgt.rows', ledger_digest, true);
  return null;
end $$"""
    yield f"drop trigger if exists ledger_track on {table}"
    for moment, rows in TRANSITIONS.items():
        # What the party arrays' own trigger writes is what is not tracked: it does not even ask.
        when = "when (pg_trigger_depth() = 0) " if moment == "update" and model.untracked_columns else ""
        yield f"drop trigger if exists ledger_track_{moment} on {table}"
        yield (
            f"create trigger ledger_track_{moment} after {moment} on {table} referencing {rows}"
            f" for each statement {when}execute function track_{table}()"
        )
    yield from _no_truncate(table)


def _party_arrays() -> Iterator[str]:
    """Keep the party array of a stream, and of every hot table on it, equal to its parties.

    Once per statement and stream: firms that join together are written on each row of the order once.
    """
    hot = [m for m in walled_models() if isinstance(m.wall, Parties) and m._meta.db_table != "ledger_stream"]
    updates = "\n".join(
        f"    update {model._meta.db_table} set party_ids = ids"
        f" where {model.wall.stream} = stream and party_ids is distinct from ids;"  # type: ignore[attr-defined]
        for model in hot
    )
    yield f"""
create or replace function ledger_keep_party_arrays() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare stream uuid; ids uuid[];
begin
  for stream in select distinct stream_id from fresh order by stream_id loop
    select array_agg(distinct organization_id) into ids from ledger_party where stream_id = stream and until is null;
    update ledger_stream set party_ids = coalesce(ids, '{{}}') where id = stream;
{updates}
  end loop;
  return null;
end $$"""
    yield "drop trigger if exists ledger_party_arrays on ledger_party"
    for moment in ("insert", "update"):
        yield f"drop trigger if exists ledger_party_arrays_{moment} on ledger_party"
        yield (
            f"create trigger ledger_party_arrays_{moment} after {moment} on ledger_party referencing new table as fresh"
            " for each statement execute function ledger_keep_party_arrays()"
        )


def _chain_without_content() -> Iterator[str]:
    """The hashes of a stream's events, for everybody who sees the stream: also of events that are not theirs to read.

    The function runs as the owner, who has a row policy of its own: it sees the events of the streams that the acting
    organization sees. Nothing but place and hashes leaves it.
    """
    of_seen_streams = "exists (select 1 from ledger_stream s where s.id = ledger_event.stream_id)"
    yield "drop policy if exists cgt_chain on ledger_event"
    yield f"create policy cgt_chain on ledger_event for select to current_user using ({of_seen_streams})"
    yield """
create or replace function ledger_chain_of(of_stream uuid)
returns table (seq bigint, hash varchar, previous_hash varchar) language sql stable security definer
set search_path = public, pg_temp as $$
  select e.seq, e.hash, e.previous_hash from ledger_event e
  where e.stream_id = of_stream and exists (select 1 from ledger_stream s where s.id = of_stream) order by e.seq
$$"""


def directory_models() -> list[type[Model]]:
    """Return the models whose rows are kept in memory, in a stable order."""
    found = [model for model in apps.get_models() if getattr(model, "in_directory", False)]
    return sorted(found, key=lambda model: model._meta.db_table)


def _directory() -> Iterator[str]:
    """Give the directory a new version in the transaction that changes one of its rows (see ``ledger.directory``).

    Versions come from a sequence: one that was rolled back is never used again. An insert that meets its conflict and
    does nothing moves nothing: parties of an order are introduced to each other again and again.
    """
    yield "create sequence if not exists ledger_directory_seq"
    yield "create table if not exists ledger_directory (version bigint not null)"
    yield (
        "insert into ledger_directory select nextval('ledger_directory_seq')"
        " where not exists (select 1 from ledger_directory)"
    )
    yield """
create or replace function ledger_move_directory() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if not exists (select 1 from fresh) then return null; end if;
  end if;
  update ledger_directory set version = nextval('ledger_directory_seq');
  return null;
end $$"""
    for model in directory_models():
        table, columns = model._meta.db_table, getattr(model, "directory_columns", ())
        update = f"update of {', '.join(columns)}" if columns else "update"
        for name, moments in (("grows", "insert"), ("changes", f"{update} or delete")):
            rows = (
                "referencing new table as fresh " if moments == "insert" else ""
            )  # "insert … do nothing" moves nothing
            yield f"drop trigger if exists ledger_directory_{name} on {table}"
            yield (
                f"create trigger ledger_directory_{name} after {moments} on {table} {rows}"
                "for each statement execute function ledger_move_directory()"
            )


def _rights(roles: set[str]) -> Iterator[str]:
    if AUDITOR_ROLE in roles:
        yield f"grant usage on schema public to {AUDITOR_ROLE}"
        yield f"grant select on all tables in schema public to {AUDITOR_ROLE}"
        # The one thing the auditor writes: checkpoints, which nobody can change or remove afterwards.
        yield f"grant insert on ledger_checkpoint to {AUDITOR_ROLE}"
    for role in APP_ROLES:
        if role not in roles:
            continue
        yield f"grant usage on schema public to {role}"
        yield f"grant select, insert, update, delete on all tables in schema public to {role}"
        yield f"grant usage on all sequences in schema public to {role}"
        for model in walled_models():
            if model.append_only:
                yield f"revoke update, delete, truncate on {model._meta.db_table} from {role}"
            history = history_model(model)
            if history is not None:
                yield f"revoke insert, update, delete, truncate on {history._meta.db_table} from {role}"
        yield f"revoke insert, update, delete, truncate on django_migrations, ledger_directory from {role}"
