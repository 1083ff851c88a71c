"""The settings, read from the environment variables `{{ cookiecutter.project_slug | upper }}__...`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between the places where the service runs."""

    model_config = SettingsConfigDict(env_prefix="{{ cookiecutter.project_slug | upper }}__", extra="ignore")

    greeting: str = "Hello"


settings = Settings()
