/**
 * Where the boxes of a dependency graph go: each resource above the ones it depends on, as they come online from below.
 */
import { graphlib, layout } from '@dagrejs/dagre';
import type { Resource } from './api/types';

export interface Box {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Edge {
  from: string;
  to: string;
  /** The corners of the line, first at the dependent. */
  points: { x: number; y: number }[];
}
export interface Graph {
  width: number;
  height: number;
  boxes: Box[];
  edges: Edge[];
}

/** Size of a box and the room around it, in pixels. */
export const BOX = { minWidth: 92, maxWidth: 168, height: 34, gapX: 14, gapY: 26, margin: 6, letter: 7.3, padding: 46 };

/** Lays out the resources of one group; providers outside of it are not drawn. */
export function arranged(resources: readonly Pick<Resource, 'Name' | 'DependsOn'>[]): Graph {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: BOX.gapX, ranksep: BOX.gapY, marginx: BOX.margin, marginy: BOX.margin });
  graph.setDefaultEdgeLabel(() => ({}));
  const byName = new Map(resources.map((one) => [one.Name.toLowerCase(), one.Name]));
  for (const one of resources) {
    const width = Math.min(BOX.maxWidth, Math.max(BOX.minWidth, Math.round(one.Name.length * BOX.letter + BOX.padding)));
    graph.setNode(one.Name, { width, height: BOX.height });
  }
  for (const one of resources) {
    for (const provider of one.DependsOn) {
      const known = byName.get(provider.toLowerCase());
      if (known !== undefined && known !== one.Name) graph.setEdge(one.Name, known, {});
    }
  }
  if (resources.length === 0) return { width: 0, height: 0, boxes: [], edges: [] };
  layout(graph);
  const size = graph.graph() as { width: number; height: number };
  return {
    width: Math.ceil(size.width),
    height: Math.ceil(size.height),
    boxes: graph.nodes().map((name) => {
      const { x, y, width, height } = graph.node(name) as Omit<Box, 'name'>;
      return { name, x, y, width, height };
    }),
    edges: graph.edges().map(({ v, w }) => ({
      from: v,
      to: w,
      points: (graph.edge(v, w) as { points: { x: number; y: number }[] }).points.map(({ x, y }) => ({ x, y })),
    })),
  };
}

/** The line through the points as an SVG path, its corners rounded. */
export function path(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let line = `M${first.x},${first.y}`;
  rest.forEach((point, i) => {
    const next = rest[i + 1];
    if (next === undefined) line += ` L${point.x},${point.y}`;
    else line += ` Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return line;
}
