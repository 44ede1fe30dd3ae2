"""The database: engine, migrations, and a private PostGIS where none is given.

``open`` is the door: ``open_database()`` yields a URL, from ``DATABASE_URL`` or from the private cluster.
This file imports nothing, because the cluster's keeper process (``keeper.py``) must stay small.
"""
