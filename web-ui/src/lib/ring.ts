/**
 * Where the nodes stand in the picture of the links: on a ring, the first at the top.
 */

export interface Spot {
  name: string;
  x: number;
  y: number;
}

/** Two names with the line between them; `from` comes first in the order of the nodes. */
export interface Link {
  from: string;
  to: string;
  /** Which directions are cut. */
  cut: 'none' | 'one' | 'both';
}

/** The spots for these names on a ring around (x, y). */
export function spots(names: readonly string[], x: number, y: number, radius: number): Spot[] {
  return names.map((name, i) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / names.length;
    return { name, x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) };
  });
}

/** Each pair once, though the lab may tell of both directions apart. */
export function pairs(names: readonly string[], links: readonly { From: string; To: string; Cut: boolean }[]): Link[] {
  const isCut = (from: string, to: string): boolean | undefined => links.find((link) => link.From === from && link.To === to)?.Cut;
  const result: Link[] = [];
  names.forEach((from, i) => {
    for (const to of names.slice(i + 1)) {
      const told = [isCut(from, to), isCut(to, from)].filter((cut) => cut !== undefined);
      const cuts = told.filter(Boolean).length;
      result.push({ from, to, cut: cuts === 0 ? 'none' : cuts === told.length ? 'both' : 'one' });
    }
  });
  return result;
}

/** A closed line through these spots as an SVG path; of one spot, a dot. Drawn thick and round it encloses them. */
export function outline(places: readonly Spot[]): string {
  const [first, ...rest] = places;
  if (first === undefined) return '';
  if (rest.length === 0) return `M${first.x},${first.y} h0.01`;
  return `M${first.x},${first.y} ${rest.map((one) => `L${one.x},${one.y}`).join(' ')} Z`;
}
