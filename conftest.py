"""What holds for the tests and for the acceptance tests."""

import os


def pytest_configure() -> None:
    """Load no certificates of authorities: that takes 20 ms for each HTTP client, and no test needs one."""
    os.environ.pop("SSL_CERT_FILE", None)  # noqa: TID251  # read by the clients
    os.environ["SSL_CERT_DIR"] = os.devnull  # noqa: TID251  # the same
