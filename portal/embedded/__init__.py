"""Servers that the demo and the tests bring with them: PostgreSQL and Valkey from wheels.

Nothing here imports Django or the clinic: these modules must work before a setting can be read.
A production deployment uses none of this; it brings its own servers.
"""
