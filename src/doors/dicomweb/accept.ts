/** Content negotiation of PS3.18 8.7: media ranges with `type` and `transfer-syntax`, in the header or the query. */
import type { FastifyRequest } from 'fastify';
import { NegatoscopeError } from '../../errors.ts';
import { parseContentType } from '../../wire/multipart.ts';

export interface MediaRange {
  /** The outer type: `multipart/related`, `application/dicom`, any type. */
  readonly outer: string;
  /** What it is about: the `type` parameter of multipart/related, else the outer type. */
  readonly type: string;
  /** `*` as stored; undefined when the client leaves it to the standard's default. */
  readonly transferSyntax: string | undefined;
  readonly q: number;
}

/** Splits at commas outside of quotes. */
const elements = (list: string): string[] => list.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];

/** What the client takes, best first; everything when it says nothing. The query parameter leads: PS3.18 8.3.3.1. */
export function acceptedOf(request: Pick<FastifyRequest, 'headers' | 'query'>): MediaRange[] {
  const { accept: asked } = request.query as { accept?: string | string[] };
  const list = [asked ?? request.headers.accept ?? '*/*'].flat().join(',');
  const ranges = elements(list).flatMap((element): MediaRange[] => {
    const { type: outer, parameters } = parseContentType(element);
    if (outer === '') return [];
    const q = Number(parameters.get('q') ?? 1);
    const inner = outer === 'multipart/related' ? (parameters.get('type') ?? '*/*').toLowerCase() : outer;
    const transferSyntax = parameters.get('transfer-syntax');
    return [{ outer, type: inner, transferSyntax, q: Number.isFinite(q) ? q : 0 }];
  });
  return ranges.filter(({ q }) => q > 0).sort((a, b) => b.q - a.q);
}

export const covers = (range: string, type: string): boolean =>
  range === '*/*' || range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));

export const notAcceptable = (offered: string): NegatoscopeError =>
  new NegatoscopeError(
    'not-acceptable',
    `This can be given as ${offered}, which the Accept header excludes.`,
    {
      status: 406,
      details: { offered },
    },
  );

/** The first of `types` that the client takes; throws `not-acceptable` (406). */
export function negotiate(request: FastifyRequest, types: readonly string[]): string {
  for (const { outer, type: inner } of acceptedOf(request)) {
    const range = outer === 'multipart/related' ? inner : outer;
    const found = types.find((type) => covers(range, type));
    if (found) return found;
  }
  throw notAcceptable(types.join(', '));
}

export const JSON_TYPES = ['application/dicom+json', 'application/json'] as const;
