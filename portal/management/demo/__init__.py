"""The demo: the production shape in small, on a machine that has nothing.

`command` is the list of steps, `folder` what it leaves on disk, `supervisor` what keeps its
processes. These three know no Django: they make the settings that Django will read.
"""
