"""Plots drawn on the server, as SVG for templates: scales, calendars, trends, sparklines.

Pure: numbers and instants in, places and labels out. Vertical places are pixels and horizontal ones
per cent (static/css/components/plot.css), so that one drawing fits every width with lines and
letters of one size. Nothing here is a style: the security policy forbids inline styles, so colour
comes from classes.
"""
