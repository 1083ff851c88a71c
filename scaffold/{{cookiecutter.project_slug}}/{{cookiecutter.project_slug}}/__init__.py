"""{{ cookiecutter.project_description | replace('"', "'") }}."""
