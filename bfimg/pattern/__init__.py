"""Pattern programs: encoded, decoded, verified, run, shown as text and read from it."""
