"""Disk images: bytes with pending changes, regions found by probing, reports for people and programs."""
