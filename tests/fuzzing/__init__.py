"""Generated rules and events that almost match them; all engines must agree."""
