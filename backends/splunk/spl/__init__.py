"""An evaluator of the SPL that we ship, after Splunk's documentation.

Text goes through `text` (comments, macros, pipes), `grammar` (one lark grammar, a start rule per
command) and `commands` (each command becomes a function over rows). Whatever the documentation
does not say, or this package does not know, raises `hafnium.errors.EngineError`: no guesses.
"""
