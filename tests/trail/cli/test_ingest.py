"""The command `ingest`."""

from pathlib import Path

from tests.trail.cli.test_commands import InProcessTerminal


def test_the_loss_of_parts_is_accepted_with_a_reason(tmp_path: Path) -> None:
    here = InProcessTerminal(tmp_path)
    here.run("load", here.write("in.ndjson"))
    accept = ("ingest", "accept", "a", "--reason", "disk lost")
    archive = here.database.parent / "archive"
    here.given = {
        "TRAIL_STORE__PATH": str(here.database),
        "TRAIL_STORE__ARCHIVE_PATH": str(archive),
    }
    assert "Unknown ingest process 'a'. Known: none." in here.run(*accept, code=1)[1]
    (archive / "incoming" / "a").mkdir(parents=True)
    message, _ = here.run(*accept)
    assert message == "0 missing parts of the ingest process a accepted\n"
    assert "requires a reason" in here.run(*accept[:-1], " ", code=1)[1]
    assert here.json(*accept) == {"accepted": 0}
