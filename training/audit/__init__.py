"""Is the label written where it should not be: finding it, saying so, and making files alike."""
