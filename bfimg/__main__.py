"""``python -m bfimg``."""

from bfimg.cli.main import main

main()
