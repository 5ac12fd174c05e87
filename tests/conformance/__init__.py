"""Conformance to public rules: ``make conformance DATA=<folder of sigmahq data>``."""
