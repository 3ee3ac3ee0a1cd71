"""How a function of MiniStack is replaced, and the start fails when it is not the one that was meant."""

import functools
import inspect


class UnexpectedMiniStack(Exception):
    """The installed package is not the one that the patches were written for."""


def expect(condition, what):
    """Fails the start unless `condition` holds."""
    if not condition:
        raise UnexpectedMiniStack(f"{what}: review localstack/patches for this release of MiniStack")


def expect_functions(owner, *names):
    """Fails the start unless `owner` has all these functions."""
    for name in names:
        expect(callable(getattr(owner, name, None)), f"{owner.__name__}.{name} is missing")


def replace(owner, name, parameters, make):
    """Replaces function `name` of `owner` by `make(original)`.

    Fails the start when the original is missing or its leading parameters are not `parameters`.
    """
    expect_functions(owner, name)
    original = getattr(owner, name)
    found = tuple(inspect.signature(original).parameters)
    expect(found[: len(parameters)] == parameters, f"{owner.__name__}.{name} takes {found}")
    # It keeps the name and the signature, so that it can be replaced again.
    setattr(owner, name, functools.wraps(original)(make(original)))
