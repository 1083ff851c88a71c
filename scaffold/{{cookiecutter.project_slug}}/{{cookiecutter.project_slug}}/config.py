"""The settings, read from the environment variables `{{ cookiecutter.project_slug | upper }}__...`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between the places where the service runs."""

    model_config = SettingsConfigDict(env_prefix="{{ cookiecutter.project_slug | upper }}__", extra="ignore")

    greeting: str = "Hello"
{%- if cookiecutter.database == "sqlite" %}
    database_url: str = "sqlite+aiosqlite:///{{ cookiecutter.project_slug }}.db"
{%- elif cookiecutter.database == "postgresql" %}
    database_url: str = "postgresql+psycopg://{{ cookiecutter.project_slug }}@localhost/{{ cookiecutter.project_slug }}"
{%- endif %}


settings = Settings()
