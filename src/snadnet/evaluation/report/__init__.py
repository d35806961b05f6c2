"""An evaluation in words and figures: summaries, tables, JSON and CSV."""
