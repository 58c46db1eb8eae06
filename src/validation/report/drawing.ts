/** Plots as a list of marks, drawn the same into SVG and PDF. Units: points (1/72 inch), the origin at the top left. */

export type Ink = 'ink' | 'quiet' | 'line' | 'machine' | 'person' | 'paper' | 'soft';

export type Mark =
  | { readonly kind: 'line'; readonly points: readonly (readonly [number, number])[]; readonly ink: Ink; readonly width?: number; readonly dashed?: boolean }
  | { readonly kind: 'box'; readonly x: number; readonly y: number; readonly width: number; readonly height: number; readonly ink: Ink; readonly fill?: Ink }
  | { readonly kind: 'dot'; readonly x: number; readonly y: number; readonly radius: number; readonly ink: Ink; readonly open?: boolean }
  | {
      readonly kind: 'text';
      readonly x: number;
      /** Of the baseline. */
      readonly y: number;
      readonly text: string;
      readonly anchor?: 'start' | 'middle' | 'end';
      readonly size?: number;
      readonly ink?: Ink;
      readonly bold?: boolean;
      /** A quarter turn to the left, about (x, y). */
      readonly turned?: boolean;
    }; // prettier-ignore

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}

/** On white paper, contrast AA for everything that is text. Violet is the machine's, blue a person's, as on all pages. */
export const COLOURS: Readonly<Record<Ink, string>> = {
  ink: '#16181d',
  quiet: '#5b6170',
  line: '#c9cdd6',
  machine: '#6d3fd1',
  person: '#1f5fbf',
  paper: '#ffffff',
  soft: '#f3f4f7',
};
export const TEXT_SIZE = 8;

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const short = (n: number): string => String(Math.round(n * 100) / 100);

/** @param alternative what the drawing says, for those who do not see it */
export function svgOf({ width, height, marks }: Drawing, alternative: string): string {
  const body = marks.map((mark) => {
    switch (mark.kind) {
      case 'line': {
        const points = mark.points.map(([x, y]) => `${short(x)},${short(y)}`).join(' ');
        const dash = mark.dashed ? ' stroke-dasharray="3 3"' : '';
        return `<polyline points="${points}" fill="none" stroke="${COLOURS[mark.ink]}" stroke-width="${mark.width ?? 0.75}"${dash}/>`;
      }
      case 'box':
        return `<rect x="${short(mark.x)}" y="${short(mark.y)}" width="${short(mark.width)}" height="${short(mark.height)}" rx="3" fill="${mark.fill ? COLOURS[mark.fill] : 'none'}" stroke="${COLOURS[mark.ink]}" stroke-width="0.75"/>`;
      case 'dot':
        return `<circle cx="${short(mark.x)}" cy="${short(mark.y)}" r="${short(mark.radius)}" fill="${COLOURS[mark.open ? 'paper' : mark.ink]}" stroke="${COLOURS[mark.ink]}"/>`;
      case 'text': {
        const turn = mark.turned ? ` transform="rotate(-90 ${short(mark.x)} ${short(mark.y)})"` : '';
        return `<text x="${short(mark.x)}" y="${short(mark.y)}" font-size="${mark.size ?? TEXT_SIZE}" text-anchor="${mark.anchor ?? 'start'}" fill="${COLOURS[mark.ink ?? 'ink']}"${mark.bold ? ' font-weight="600"' : ''}${turn}>${escaped(mark.text)}</text>`;
      }
    }
  });
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(alternative)}" xmlns="http://www.w3.org/2000/svg">${body.join('')}</svg>`;
}
