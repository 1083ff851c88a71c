"""Texts that people enter and others read: short, printable, and without the secret."""

from c2casgiutils import config


def check_printable(text: str, name: str, max_length: int) -> None:
    """Reject a text that is too long or has an unprintable character.

    Args:
        text: The text.
        name: What it is, for the message.
        max_length: Maximum number of characters.

    Raises:
        ValueError: The text is rejected.
    """
    if len(text) > max_length or not text.isprintable():
        raise ValueError(f"{name} must have at most {max_length} printable characters")


def check_entered(text: str, name: str, max_length: int) -> None:
    """Reject a text as `check_printable` does, and one with the shared secret, which is never shown.

    Raises:
        ValueError: The text is rejected; the message does not contain it.
    """
    check_printable(text, name, max_length)
    secret = config.settings.auth.secret
    if secret and secret in text:
        raise ValueError(f"{name} must not contain the secret")
