"""What stood in the section of the application in the ini file."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Read from the environment."""

    stock_url: str
    orders_licence: str


settings = Settings()
