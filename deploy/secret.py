"""Passwords on their way in: from a prompt or from standard input, never from the command line."""

import sys

import click

from energy.errors import SetupError


def read_password(*, from_stdin: bool) -> str:
    """The first line of standard input, or what a person types twice; SetupError for an empty one."""
    if from_stdin:
        said = sys.stdin.readline().rstrip("\r\n")
    else:
        said = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if not said:
        raise SetupError("the password is empty: give at least 12 characters")
    return said
