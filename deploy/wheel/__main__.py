"""Run a command of the installed package; the console script starts here."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command in `sys.argv`; return its exit code."""
    # The product's folders import each other by their names in the repository.
    sys.path.insert(0, str(Path(__file__).parent))
    from trail.__main__ import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
