"""The known ways in which converters change a rule's meaning, as rules and records."""
