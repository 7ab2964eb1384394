"""`python -m trail`: run one command."""

import sys

from trail.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
