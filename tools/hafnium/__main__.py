"""``python -m hafnium``."""

from hafnium.cli import main

main()
