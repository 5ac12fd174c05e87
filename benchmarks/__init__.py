"""Generated traffic and what is measured on it; no part of the package that is installed."""
