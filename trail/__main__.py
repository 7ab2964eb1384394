"""`python -m trail`: run one command."""

import sys

from trail import VERSION


def main() -> int:
    """Run the command in `sys.argv`; return its exit code."""
    if sys.argv[1:] == ["--version"]:
        print(f"segment-audit-trail {VERSION}")
        return 0
    from trail.cli.main import main as run  # imports the database, which takes a second

    return run()


if __name__ == "__main__":
    sys.exit(main())
