"""The graph of one block: edges, circles and order. networkx is asked once, when the plan is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx


def find_circle(edges: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return the nodes of one circle in order, or None. `edges` maps each node to those it waits for."""
    graph = _graph(edges)
    if nx.is_directed_acyclic_graph(graph):
        return None
    return [source for source, _ in nx.find_cycle(graph)]


def in_order(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Sort nodes by rank (longest way from a start), and by their place in `edges` within a rank."""
    place = {node: index for index, node in enumerate(edges)}
    generations = nx.topological_generations(_graph(edges))
    return [node for generation in generations for node in sorted(generation, key=place.__getitem__)]


def sinks(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes that no other node waits for."""
    waited_for = {before for befores in edges.values() for before in befores}
    return [node for node in edges if node not in waited_for]


def _graph(edges: Mapping[str, Iterable[str]]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(edges)
    graph.add_edges_from((before, node) for node, befores in edges.items() for before in befores)
    return graph
