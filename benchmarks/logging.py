"""What following requests in the logs costs: `python benchmarks/logging.py`, see `_logging.py`.

Python looks into the folder of a script first, where this file hides the `logging` of the standard library:
from itself, and from the other benchmarks. To them it gives the one of the standard library.
"""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.remove(str(FOLDER))

if __name__ == "logging":
    del sys.modules[__name__]
    importlib.import_module(__name__)
elif __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parent))
    importlib.import_module("benchmarks._logging").main()
