"""The settings, read from the environment variables `APP__...`."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What differs between the places where the service runs."""

    model_config = SettingsConfigDict(env_prefix="APP__", extra="ignore")

    greeting: str = "Hello"


settings = Settings()
