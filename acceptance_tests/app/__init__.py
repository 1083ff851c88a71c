"""A small application as a user would write it: items in a database, and the operations side at /c2c."""
