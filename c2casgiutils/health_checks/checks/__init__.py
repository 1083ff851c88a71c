"""The kinds of checks that come with the library, one module each."""
