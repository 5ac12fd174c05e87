"""One folder per SIEM; each exposes ``BACKEND``, an object of the shape `hafnium.siem.Backend`."""
