"""The contract of commands: complete declarations, with examples that parse."""

import argparse
import shlex

import pytest

from trail.cli.command import Command
from trail.cli.main import discover, parse, parser

COMMANDS = discover()


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_parse(name: str) -> None:
    command = COMMANDS[name]
    assert isinstance(command, Command)
    assert command.examples
    for example in command.examples:
        args = parse(shlex.split(example))
        assert (args.command, args.declared) == (name, command)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_described(name: str) -> None:
    assert COMMANDS[name].help
    assert _undescribed(_child(name)) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_action_has_an_access_log_kind(name: str) -> None:
    command = COMMANDS[name]
    assert command.log_kinds.keys() <= (_actions(_child(name)) or {""})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_the_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse([name, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"python -m trail {example}" in shown for example in COMMANDS[name].examples)


def test_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["lode"])
    assert end.value.code == 2
    assert "lode" in capsys.readouterr().err


def _groups(
    parser: argparse.ArgumentParser,
) -> "list[argparse._SubParsersAction[argparse.ArgumentParser]]":
    return [group for group in parser._actions if isinstance(group, argparse._SubParsersAction)]


def _child(name: str) -> argparse.ArgumentParser:
    (group,) = _groups(parser({name: COMMANDS[name]}))
    return group.choices[name]


def _actions(parser: argparse.ArgumentParser) -> set[str]:
    return {name for group in _groups(parser) for name in group.choices}


def _undescribed(parser: argparse.ArgumentParser) -> list[str]:
    missing = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            described = {choice.dest for choice in action._choices_actions if choice.help}
            missing += sorted(action.choices.keys() - described)
            for child in action.choices.values():
                missing += _undescribed(child)
        elif not action.help:
            missing.append(action.dest)
    return missing
