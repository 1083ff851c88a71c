"""The answers to errors of the application's routes, in one form."""

from c2casgiutils.errors._answers import details_of
from c2casgiutils.errors._install import install
from c2casgiutils.errors._registered import register

__all__ = ["details_of", "install", "register"]
