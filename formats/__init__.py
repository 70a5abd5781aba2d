"""Definitions of every on-disk and in-memory structure, constant and address. No I/O.

One file per structure. `catalogue` lists them all, in the order of the reference pages.
"""
