"""Kernel sources, as package data: `bfimg build` compiles them."""
