"""`mcp`: serve the Model Context Protocol on standard input and output."""

import argparse
import os
from collections.abc import Sequence

from trail.cli.command import Command
from trail.cli.context import Context
from trail.core.errors import SettingError

TOKEN_VARIABLE = "TRAIL_MCP_TOKEN"  # noqa: S105 - the name of the variable


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", default="", metavar="URL", help="address of the server; this machine by default"
    )


def _run(args: argparse.Namespace, context: Context) -> int:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise SettingError(
            f"{TOKEN_VARIABLE} is not set.", "Set it to an API token; an owner can create one."
        )
    # Imported here: no other command waits for them.
    import anyio
    import httpx2

    from trail.runtime import mcp_tools

    address = args.url or f"http://127.0.0.1:{context.settings.server.port}"
    headers = {"authorization": f"Bearer {token}"}

    async def serve() -> None:
        async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=120) as client:

            async def fetch(path: str, pairs: Sequence[tuple[str, str]]) -> tuple[int, bytes]:
                try:
                    answer = await client.get(path, params=list(pairs))
                except httpx2.HTTPError:
                    return 503, b'{"detail": "The audit trail server does not respond."}'
                return answer.status_code, answer.content

            await mcp_tools.server(fetch).run_stdio_async()

    anyio.run(serve)
    return 0


COMMAND = Command(
    help="serve the Model Context Protocol on standard input and output",
    run=_run,
    arguments=_arguments,
    examples=("mcp", "mcp --url https://trail.example.com"),
    json=False,
    runs_in="process",
    log_kinds={"": None},
)
