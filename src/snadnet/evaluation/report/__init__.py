"""Reports of evaluations: figures, tables, files."""
