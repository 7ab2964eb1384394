"""What the pages remember for each user, such as the columns of a table.

Stored in the database, and therefore part of a backup, by `User.account`. The users file is
separate: `prune` removes what belongs to users who no longer exist.
"""

import datetime as dt
import json
import re
from collections.abc import Collection
from typing import Any

from trail.accounts import oidc
from trail.accounts.users_file import normalize_username
from trail.core.clock import utc_now
from trail.core.errors import InputError
from trail.storage.connection import Cursor
from trail.storage.duckdb import Store

MAX_ENTRIES, MAX_BYTES = 64, 16 << 10  # of one user, and of one value as JSON in ASCII
# Users of a provider are in no list; what they have not changed for so long is removed.
_PROVIDER_DAYS = 400
_NAME = re.compile(r"[a-z][a-z0-9:_.-]{0,63}")


class Preferences:
    """The preferences of all users in *store*."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, account: str, name: str) -> Any | None:
        """Return the JSON value that was put last, or None."""
        sql = "select value from user_preferences where username = $username and name = $name"
        params = {"username": normalize_username(account), "name": name}
        values = self._store.table(sql, params).column(0).to_pylist()
        return json.loads(values[0]) if values else None

    def put(self, account: str, name: str, value: Any | None) -> None:
        """Store a JSON *value* for the user; None removes the entry.

        Raises `InputError` for an invalid name, a value that is too large, and one entry too many.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"Invalid preference name {name!r}.", "Use a-z, 0-9 and : _ . -")
        body = json.dumps(value, allow_nan=False)  # ASCII: a lone surrogate is no UTF-8
        if len(body) > MAX_BYTES:
            raise InputError(
                f"The value of {name} is too large.", f"Allowed: {MAX_BYTES >> 10} KiB."
            )
        params = {"username": normalize_username(account), "name": name}

        def write(cursor: Cursor) -> None:
            cursor.execute(
                "delete from user_preferences where username = $username and name = $name", params
            )
            if value is None:
                return
            ((entries,),) = cursor.execute(
                "select count(*) from user_preferences where username = $username",
                {"username": params["username"]},
            ).fetchall()
            if entries >= MAX_ENTRIES:
                raise InputError(
                    f"More than {MAX_ENTRIES} preferences of one user.", "Reset some of them."
                )
            cursor.execute(
                "insert into user_preferences values ($username, $name, $body, $now)",
                params | {"body": body, "now": utc_now()},
            )

        self._store.submit(write, versioned=False).result()

    def prune(self, accounts: Collection[str], now: dt.datetime) -> int:
        """Remove the entries of users other than *accounts*; return their number.

        Those of provider users are removed if unchanged for 400 days at *now* (UTC, without zone).
        """
        params = {
            "accounts": [normalize_username(account) for account in accounts],
            "provider": oidc.PREFIX,
            "before": now - dt.timedelta(days=_PROVIDER_DAYS),
        }
        of_nobody = (
            "from user_preferences where case when starts_with(username, $provider) "
            "then changed_at < $before else not list_contains($accounts::varchar[], username) end"
        )
        if not self._store.table(f"select 1 {of_nobody} limit 1", params).num_rows:
            return 0

        def write(cursor: Cursor) -> int:
            return len(cursor.execute(f"delete {of_nobody} returning name", params).fetchall())

        return self._store.submit(write, versioned=False).result()
