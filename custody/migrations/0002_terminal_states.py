"""I4 in the database: nothing leaves a terminal state, by whatever road; a stock unit once allocated stays so."""

from django.db import migrations

FORWARD = """
create or replace function custody_keep_terminal() returns trigger language plpgsql as $$
begin
  if old.state in ('consumed', 'infused', 'destroyed') and new.state <> old.state then
    raise exception 'container % is % and stays so', old.code, old.state using errcode = 'CG003';
  end if;
  return new;
end $$;
create trigger custody_terminal before update of state on custody_container
  for each row execute function custody_keep_terminal();

create or replace function custody_keep_allocated() returns trigger language plpgsql as $$
begin
  if old.state <> 'available' and new.state = 'available' then
    raise exception 'stock unit % / % is % and does not return to stock', old.lot, old.serial, old.state
      using errcode = 'CG003';
  end if;
  return new;
end $$;
create trigger custody_allocated before update of state on custody_stockunit
  for each row execute function custody_keep_allocated();
"""
BACKWARD = """
drop trigger custody_terminal on custody_container;
drop function custody_keep_terminal();
drop trigger custody_allocated on custody_stockunit;
drop function custody_keep_allocated();
"""


class Migration(migrations.Migration):
    dependencies = [("custody", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
