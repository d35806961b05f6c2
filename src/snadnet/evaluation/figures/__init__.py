"""The figures of the paper, drawn from our own results: image grids of methods, regions and parsings."""

from snadnet.evaluation.figures.comparison import draw_comparison
from snadnet.evaluation.figures.image_grid import Cell, draw_grid, write_grid
from snadnet.evaluation.figures.parsing import draw_parsing
from snadnet.evaluation.figures.regions import draw_regions
from snadnet.evaluation.figures.restoration import draw_restoration
from snadnet.evaluation.figures.selection import choose_faces

__all__ = [
    "Cell",
    "choose_faces",
    "draw_comparison",
    "draw_grid",
    "draw_parsing",
    "draw_regions",
    "draw_restoration",
    "write_grid",
]
