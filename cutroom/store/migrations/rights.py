"""Who may do what: row-level security and grants, for migrations that create tables.

The owner role creates the tables and is otherwise shut out: forced row-level security holds it too, and it has no policy.
"""

from collections.abc import Iterable

from alembic import op

APP = "cutroom_app"
SYSTEM = "cutroom_system"
ROLES = (APP, SYSTEM)


def isolate(tables: Iterable[str], *, column: str = "org_id", app: str = "select, insert, update, delete") -> None:
    """The app role sees and writes only rows whose `column` is the transaction's organisation; the system role all rows."""
    for table in tables:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        own = f"{column} = current_setting('app.org_id', true)"
        op.execute(f"create policy own_organisation on {table} to {APP} using ({own}) with check ({own})")
        op.execute(f"create policy every_organisation on {table} to {SYSTEM} using (true) with check (true)")
        op.execute(f"grant {app} on {table} to {APP}")
        op.execute(f"grant select, insert, update, delete on {table} to {SYSTEM}")


def create_append_only_guard() -> None:
    """The trigger function behind `append_only`."""
    op.execute("""
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            if current_user <> (select pg_get_userbyid(relowner) from pg_class where oid = tg_relid) then
                raise exception 'table % is append-only', tg_table_name using errcode = 'insufficient_privilege';
            end if;
            return coalesce(new, old);
        end $$
    """)


def append_only(tables: Iterable[str]) -> None:
    """Rows of these tables stay as they were written: no rights to change them, and a trigger should rights ever slip in."""
    for table in tables:
        op.execute(f"revoke update, delete on {table} from {APP}, {SYSTEM}")
        op.execute(f"create trigger append_only before update or delete on {table} for each row execute function refuse_change()")
