"""External programs: which are needed, where they are, and how the compiler is called."""
