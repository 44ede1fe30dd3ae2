"""The geography as pure functions over arrays: no database, no web, no settings.

Coordinates are WGS84 degrees, always ``lng, lat``; lengths along the network are integer millimetres (``*_mm``), so
that sums are exact and every walking speed reads the same field. Heavy kernels are compiled by numba and release the
interpreter lock.
"""
