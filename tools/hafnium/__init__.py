"""Detections for the Hafnium intrusions, written once as Sigma rules and proven in three SIEMs."""

__version__ = "0.1.0"
