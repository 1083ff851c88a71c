"""Names and patterns of secrets, and one mask for everything that leaves the process.

Logs, Sentry, payloads of health checks, views, the audit log and errors of Redis mask what this package
finds. All patterns take linear time, because clients choose the texts: repetitions are possessive or bounded,
and no two match attempts scan the same characters.
"""

from c2casgiutils._secrets._mask import MASK
from c2casgiutils._secrets._names import is_secret_name
from c2casgiutils._secrets._values import scrub, scrub_items, scrub_mapping

__all__ = ["MASK", "is_secret_name", "scrub", "scrub_items", "scrub_mapping"]
