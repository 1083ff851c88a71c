"""Sign-in with a GitHub account, whose permissions on a repository are the rights of the user."""
