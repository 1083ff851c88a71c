"""The SQL profiler: which statements take the time, where they come from, and how they are planned.

Off by default and without any cost then. It is bound to the engines of the `Database` objects, and shows no
value: neither parameters nor literals.
"""

from c2casgiutils.db._profiler._figures import Figures
from c2casgiutils.db._profiler._profiler import Profile, Profiler

__all__ = ["Figures", "Profile", "Profiler"]
