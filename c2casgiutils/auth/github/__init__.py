"""Sign-in with a GitHub account, whose permissions on a repository determine the access level."""
