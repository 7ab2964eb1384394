"""The command `evidence`: the pack for an auditor, written to a file; see `trail.evidence`."""

import argparse
import datetime as dt
import json

from trail import access_log
from trail.desk import Desk
from trail.errors import InputError
from trail.evidence import pack
from trail.evidence.period import ADDRESS
from trail.filters import Filter
from trail.tally import Tally


def evidence(args: argparse.Namespace, desk: Desk) -> int:
    """Write the pack of the chosen events; it is whole, or the file is not there."""
    path = desk.folder / args.out
    made = pack.prepare(
        desk.store(False), desk.settings, Filter.parse(args.query), dt.datetime.now(dt.UTC)
    )
    tally, fresh = Tally(), path.with_name(f"{path.name}.part")
    try:
        with fresh.open("wb") as file:
            for data in made.stream(tally):
                file.write(data)
                tally.sent(data)
        fresh.replace(path)
    except OSError as error:
        raise InputError(
            f"{args.out}: {error.strerror}.", "Name a file that can be written."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    access_log.note(
        "evidence",
        access_log.COMMAND_LINE,
        what=ADDRESS,
        detail=made.period.filter.query(),
        file_format="zip",
        rows=tally.rows,
        size=tally.size,
        digest=tally.digest,
    )
    report = {
        "out": str(path),
        "rows": tally.rows,
        "bytes": tally.size,
        "sha256": tally.digest,
        "query": made.period.filter.query(),
        "files": made.files,
    }
    if args.json:
        desk.out.text(json.dumps(report) + "\n")
        return 0
    for each in made.files:
        desk.out.text(f"{each['sha256']}  {each['bytes']:>14,}  {each['name']}\n")
    desk.out.text(
        f"{made.period.words()}: {tally.rows:,} events, {tally.size:,} bytes: {args.out}\n"
    )
    return 0
