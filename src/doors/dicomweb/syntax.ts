/** In which transfer syntax an instance is given: PS3.18 8.7.3.5, 8.7.8. */
import type { InstanceRow } from '../../archive/index.ts';
import { EXPLICIT_LE, IMPLICIT_LE, isVideo, transferSyntax } from '../../dicom/index.ts';
import { canDecode } from '../../dicom/pixels/index.ts';
import { covers, type MediaRange, notAcceptable } from './accept.ts';

export const DICOM = 'application/dicom';

/** How instances are given: framed as multipart or not, and how each is encoded. */
export interface Given {
  readonly multipart: boolean;
  /** What `archive.outgoing` may give this instance in; undefined: as stored. */
  accepted(row: InstanceRow): readonly string[] | undefined;
}

const isPlain = (syntax: string): boolean => syntax === EXPLICIT_LE || syntax === IMPLICIT_LE;

/** Whether an instance can be given in explicit or implicit VR little endian, as far as its row tells. */
function isConvertible({ transferSyntax: stored, rows }: InstanceRow): boolean {
  const known = transferSyntax(stored);
  if (!known || isVideo(stored)) return false;
  return !known.encapsulated || rows === null || canDecode(stored);
}

/**
 * The transfer syntax in which a media range has this instance; undefined when in none. Without a parameter the standard has
 * explicit VR little endian; what cannot be turned into that (video) comes as stored.
 */
function syntaxIn({ transferSyntax: asked }: MediaRange, row: InstanceRow): string | undefined {
  const stored = row.transferSyntax;
  if (asked === '*' || asked === stored) return stored;
  if (asked === undefined) return isConvertible(row) ? EXPLICIT_LE : stored;
  return isPlain(asked) && isConvertible(row) ? asked : undefined;
}

/**
 * What the client's media ranges, best first, ask for these instances.
 * @throws NegatoscopeError `not-acceptable` (406), with what there is instead
 */
export function givenAs(ranges: readonly MediaRange[], rows: readonly InstanceRow[]): Given {
  const fitting = ranges.filter(
    ({ outer, type }) =>
      covers(type, DICOM) && (outer === 'multipart/related' || outer === '*/*' || rows.length === 1),
  );
  const [best] = fitting;
  const chosen = new Map<string, string | undefined>();
  for (const row of rows) {
    const syntax = fitting.map((range) => syntaxIn(range, row)).find((found) => found !== undefined);
    if (syntax === undefined || !best) throw notAcceptable(offered(rows));
    chosen.set(row.sopInstanceUid, syntax === row.transferSyntax ? undefined : syntax);
  }
  return {
    multipart: best?.outer === 'multipart/related' || best?.outer === '*/*',
    accepted(row) {
      const syntax = chosen.get(row.sopInstanceUid);
      return syntax === undefined ? undefined : [syntax];
    },
  };
}

function offered(rows: readonly InstanceRow[]): string {
  const syntaxes = new Set(rows.map((row) => row.transferSyntax));
  if (rows.every(isConvertible)) for (const plain of [EXPLICIT_LE, IMPLICIT_LE]) syntaxes.add(plain);
  const one = syntaxes.size > 1 && !rows.every(isConvertible) ? ['*'] : [...syntaxes, '*'];
  return one.map((syntax) => `multipart/related; type="${DICOM}"; transfer-syntax=${syntax}`).join(', ');
}
