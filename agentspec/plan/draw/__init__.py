"""Plan -> picture, offline: one layered layout, drawn as text, Mermaid, DOT and SVG.

outline   Plan -> what is to be seen: items with their labels, areas with their edges
layers    an area's ranks, and an order in each rank with few crossings
columns   where the members of each rank stand, left to right
place     sizes and coordinates, from the inside out
picture   what comes out: flat, frozen data
text, rows, routes, canvas     svg, svg_style     mermaid     dot     words

as_text(picture(plan))
"""

from agentspec.plan.draw.dot import as_dot
from agentspec.plan.draw.mermaid import as_mermaid
from agentspec.plan.draw.picture import Box, Edge, Node, Picture
from agentspec.plan.draw.place import picture
from agentspec.plan.draw.svg import as_svg
from agentspec.plan.draw.text import as_text

__all__ = ["Box", "Edge", "Node", "Picture", "as_dot", "as_mermaid", "as_svg", "as_text", "picture"]
