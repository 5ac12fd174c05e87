"""The reference: what a Sigma rule says of an event (design: meaning).

Everything else — compiled queries, engines — is measured against this package.
"""

from hafnium.matcher.conditions import Predicate, predicate
from hafnium.matcher.match import Match, Matcher

__all__ = ["Match", "Matcher", "Predicate", "predicate"]
