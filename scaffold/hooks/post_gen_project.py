"""Remove what the chosen options do not need."""

import shutil
from pathlib import Path

SLUG = {{ cookiecutter.project_slug | tojson }}

if "{{ cookiecutter.database }}" == "none":
    for file in ("alembic.ini", f"{SLUG}/models.py"):
        Path(file).unlink()
    shutil.rmtree("migrations")
