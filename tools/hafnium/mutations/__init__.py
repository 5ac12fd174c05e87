"""Free mutations of log entries: does a rule still see the step when it is written otherwise?

A rule that matches only one spelling of an attack is no detection. Each mutation is a small
function with a name; its docstring says why it costs the intruder nothing. All are pure: the
same entry has the same mutants, always.
"""

from __future__ import annotations

from hafnium.mutations import commandpaths, commands, paths, texts, web
from hafnium.mutations.mutant import Mutant, Mutation, mutants

MUTATIONS: tuple[Mutation, ...] = (
    *paths.PATHS,
    *web.WEB,
    *commands.WORDS,
    *commandpaths.PATHS,
    *texts.TEXTS,
)
"""All mutations. One name may stand for several, each for another kind of field."""

__all__ = ["MUTATIONS", "Mutant", "Mutation", "mutants"]
