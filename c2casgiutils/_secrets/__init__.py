"""One vocabulary of secrets: their names, their forms, and one mask for all that leaves the process.

Logs, Sentry, the payloads of health checks, the views, the audit and the errors of Redis hide what this
package finds. All patterns take linear time, because clients choose the texts: a repetition is possessive or
bounded, and no two attempts to match scan the same characters.
"""

from c2casgiutils._secrets._mask import MASK
from c2casgiutils._secrets._names import is_secret_name
from c2casgiutils._secrets._values import scrub, scrub_items, scrub_mapping

__all__ = ["MASK", "is_secret_name", "scrub", "scrub_items", "scrub_mapping"]
