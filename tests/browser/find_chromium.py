"""Find Chromium, install Debian's package when run as root, or say what to install."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of Chromium on this machine, or None."""
    configured = os.environ.get("CHROMIUM")
    return configured or next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install Chromium if necessary; return 0 when it is there, else 1."""
    if chromium():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests.")
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], check=False)
        if chromium():
            return 0
    print("The browser tests need Chromium. Install the package chromium, or set CHROMIUM.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
