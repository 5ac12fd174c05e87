"""Stock conversion beside ours: the same rules, records and engines; see ``__main__``."""
