"""`cutroom organisations` makes an organisation that can be worked with, and shows its token to one person once."""

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from cutroom.identity import tokens
from cutroom.store import identity, ledger
from cutroom.store.database import Database
from cutroom.store.tables import Token
from tests.cli.conftest import Said
from tests.conftest import DatabaseUrls

FAILING_COMMIT = """
    create function refuse_unlucky() returns trigger language plpgsql as $$ begin raise 'no such luck'; end $$;
    create constraint trigger unlucky after insert on organisations deferrable initially deferred
        for each row when (new.name = 'Unlucky') execute function refuse_unlucky();
"""


def look_up(urls: DatabaseUrls, text: str) -> tuple[Token, int]:
    """The token as the API finds it, and the live credits of its organisation."""

    async def read() -> tuple[Token, int]:
        database = Database(urls.system, pool_size=1)
        try:
            async with database.transaction(None) as session:
                token = await identity.find_token(session, tokens.parse(text))
                return token, (await ledger.balance(session, token.org_id, "live")).available
        finally:
            await database.close()

    return asyncio.run(read())


def test_an_organisation_comes_with_a_token_and_the_credits_asked_for(
    typed: Callable[..., Said], database_urls: DatabaseUrls
) -> None:
    said = typed("organisations", "create", "Acme Video", "--credits", "500")
    assert said.code == 0, said.err
    token, credits = look_up(database_urls, said.out.strip())
    assert (token.mode, token.scopes, credits) == ("live", ["admin"], 500)
    assert token.org_id in said.err
    made = json.loads(typed("organisations", "create", "Other", "--json").out)
    assert look_up(database_urls, made["token"])[1] == 0
    listed = json.loads(typed("organisations", "list", "--json").out)
    names = {each["id"]: each["name"] for each in listed}
    assert (names[token.org_id], names[made["id"]]) == ("Acme Video", "Other")


def test_a_token_goes_into_a_new_private_file_and_nowhere_else(
    typed: Callable[..., Said], database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    file = tmp_path / "acme.token"
    said = typed("organisations", "create", "Acme", "--token-file", str(file))
    assert said.code == 0, said.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text().strip()
    assert look_up(database_urls, text)[0].scopes == ["admin"]
    assert text not in said.out + said.err


def test_without_a_place_for_its_token_no_organisation_is_made(typed: Callable[..., Said], tmp_path: Path) -> None:
    taken = tmp_path / "token"
    taken.write_text("another's")
    for file in (taken, tmp_path / "nowhere" / "token"):
        said = typed("organisations", "create", "Lost", "--token-file", str(file))
        assert said.code == 1
        assert "token_file_unusable" in said.err
    assert taken.read_text() == "another's"
    assert "Lost" not in typed("organisations", "list").out


def test_a_commit_that_fails_leaves_no_token_in_the_way_of_the_next_try(
    typed: Callable[..., Said], database_urls: DatabaseUrls, tmp_path: Path
) -> None:
    command = ("organisations", "create", "Unlucky", "--token-file", str(tmp_path / "token"))
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute(FAILING_COMMIT)
        try:
            with pytest.raises(DBAPIError, match="no such luck"):
                typed(*command)
        finally:
            connection.execute("drop function refuse_unlucky cascade")
    assert list(tmp_path.iterdir()) == []
    assert typed(*command).code == 0


def test_without_a_database_it_says_what_to_set(typed: Callable[..., Said]) -> None:
    said = typed("organisations", "create", "Acme", CUTROOM_DATABASE_SYSTEM_URL="")
    assert said.code == 3
    assert "CUTROOM_DATABASE_SYSTEM_URL" in said.err


def test_a_name_of_nothing_and_fewer_than_no_credits_are_wrong_usage(typed: Callable[..., Said]) -> None:
    assert typed("organisations", "create", " ").code == 2
    assert typed("organisations", "create", "Acme", "--credits", "-1").code == 2
