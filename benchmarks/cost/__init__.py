"""What a query costs: ours beside the stock conversion, on ordinary traffic; see ``__main__``."""
