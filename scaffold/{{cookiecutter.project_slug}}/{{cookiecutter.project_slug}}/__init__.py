"""{{ cookiecutter.project_description | replace('"', "'") | replace("\\", "/") }}."""
