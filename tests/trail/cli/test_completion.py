"""Test the completion of commands in a shell."""

import shutil
import subprocess
import sys

import pytest

from trail.cli import main


def test_bash_completes_commands_and_options() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = subprocess.run(
        [sys.executable, "-m", "trail", "--print-completion", "bash"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    ask = """
    for words in "segment-audit-trail ver" "segment-audit-trail export --q"; do
        COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        _shtab_segment_audit_trail
        echo "${COMPREPLY[@]}"
    done
    """
    answer = subprocess.run([bash, "-c", script + ask], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["verify", "--query"]


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_a_script_with_every_command(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.parse(["--print-completion", shell])
    assert ended.value.code == 0
    script = capsys.readouterr().out
    assert all(name in script for name in main.discover())
