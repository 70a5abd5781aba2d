"""Layouts, modules and recipes, as package data."""
