"""The command line: one file per verb. It parses arguments, calls the library and renders; nothing else."""
