"""The service that the commands of the documentation are about."""
