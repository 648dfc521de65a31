"""What `manage.py doctor` looks at: one module for each area, each a `look()` that yields findings.

Nothing is changed by looking, and nothing clinical is read: settings, the catalogue, the engine's
own counters. docs/runbook.md says what to do about each problem at length.
"""
