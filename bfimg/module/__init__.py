"""BareFlow modules: recognised, wrapped, compiled, and put on a volume."""
