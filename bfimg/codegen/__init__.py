"""Everything that is generated from the definitions: C header, assembler constants, reference page."""
