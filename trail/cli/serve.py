"""`python -m trail serve`: the dashboard under uvicorn, in this process.

Separate from the other commands since it alone brings the web parts.
"""

import sys

import uvicorn

from trail.core.settings import Settings
from trail.runtime import startup

_GRACE_S = 10


def serve(settings: Settings, host: str, port: int) -> int:
    """Serve pages and routes on *host* and *port* until stopped; return the exit code."""
    _, demo = startup.database(settings)
    shown = f"[{host}]" if ":" in host else host
    print(f"\n  Audit trail:  http://{shown}:{port}", file=sys.stderr)
    if demo:
        print("  No database yet: this opens the demo workspace.", file=sys.stderr)
    print("  Stop with Ctrl-C.\n", file=sys.stderr, flush=True)
    server = uvicorn.Server(
        uvicorn.Config(
            "dashboard:app",
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1
