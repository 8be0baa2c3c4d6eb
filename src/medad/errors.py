"""The one error a user is meant to read."""

from __future__ import annotations


class MedadError(Exception):
    """A problem the user can fix; the message says what, got, allowed and how to fix.

    The command line prints it on one line and exits with status 2.
    """
