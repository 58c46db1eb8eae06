/** From the table of labels to cases: every row is found, read, hashed, and counted or excluded with a reason. */
import type { ModelPackage } from '../assist/package.ts';
import { knownImages } from '../assist/training.ts';
import { NegatoscopeError, reasonOf } from '../errors.ts';
import { intendedFor } from './intended.ts';
import type { LabelRow, LabelSheet } from './labels.ts';
import { formOf, headerOf, identitiesOf, sha256Of } from './picture.ts';
import type { Case, Exclusion, FoundImage, ImageSource } from './types.ts';

/** A case before any model saw it. */
export interface Draft extends Omit<Case, 'answer' | 'other'> {
  readonly found: FoundImage | undefined;
}

export interface Gathered {
  readonly drafts: readonly Draft[];
  /** Files of the folder that no row names. */
  readonly filesWithoutLabel: readonly string[];
  /** The package says on which images the model was made. */
  readonly carriesHashes: boolean;
}

export interface GatherOptions {
  /** Called after each row. */
  step(): void;
  readonly signal?: AbortSignal | undefined;
  readonly countTuning?: boolean | undefined;
}

/** Images read at once. */
const AT_ONCE = 8;

/** @param models an image that any of them knows is known */
export async function gather(
  sheet: LabelSheet,
  source: ImageSource,
  models: readonly ModelPackage[],
  { step, signal, countTuning = false }: GatherOptions,
): Promise<Gathered> {
  const known = await Promise.all(models.map(knownImages));
  const of = (identity: string): 'training' | 'tuning' | undefined => {
    const how = known.map((list) => list?.get(identity));
    return how.find((each) => each === 'training') ?? how.find((each) => each === 'tuning');
  };
  const looked: Looked[] = Array.from({ length: sheet.rows.length });
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let i = next++; i < sheet.rows.length; i = next++) {
        if (signal?.aborted) throw new NegatoscopeError('aborted', 'The study was stopped');
        looked[i] = await look(sheet.rows[i]!, source, models[0]!);
        step();
      }
    }),
  );
  tellSame(looked);
  for (const each of looked) {
    if (each.draft.excluded !== null) continue;
    const how = each.identities.map(of).find((found) => found !== undefined);
    if (!how) continue;
    each.draft = { ...each.draft, known: how };
    if (how === 'training') exclude(each, 'training-image', '');
    else if (!countTuning) exclude(each, 'tuning-image', '');
  }
  const used = new Set(looked.map(({ draft }) => draft.found?.name));
  return {
    drafts: looked.map(({ draft }) => draft),
    filesWithoutLabel: source.names.filter((name) => !used.has(name)),
    carriesHashes: known.every((list) => list !== undefined),
  };
}

interface Looked {
  draft: Draft;
  readonly identities: readonly string[];
}
const exclude = (each: Looked, excluded: Exclusion, detail: string): void => {
  each.draft = { ...each.draft, excluded, detail };
};

async function look(row: LabelRow, source: ImageSource, { manifest }: ModelPackage): Promise<Looked> {
  const files = await source.find(row.image);
  const draft: Draft = {
    image: row.image,
    positive: row.positive,
    excluded: null,
    detail: '',
    file: files.length === 1 ? files[0]!.name : '',
    sha256: '',
    unknownUse: '',
    boxes: row.boxes,
    boxesUnusable: row.boxesUnusable,
    weight: row.weight,
    groups: row.groups,
    known: null,
    found: files.length === 1 ? files[0] : undefined,
  };
  const out = (excluded: Exclusion, detail: string, more: Partial<Draft> = {}): Looked => ({
    draft: { ...draft, ...more, excluded, detail },
    identities: [],
  });
  if (row.positive === undefined)
    return row.given === '' ? out('label-missing', '') : out('label-invalid', row.given.slice(0, 80));
  if (files.length === 0) return out('file-missing', '');
  if (files.length > 1) return out('file-ambiguous', files.map(({ name }) => name).join(' | '));
  try {
    const bytes = await files[0]!.read();
    const sha256 = sha256Of(bytes);
    const form = formOf(bytes);
    if (!form) return out('unreadable', 'neither DICOM nor JPEG nor PNG', { sha256 });
    const header = form === 'dicom' ? headerOf(bytes) : undefined;
    const use = header ? intendedFor(manifest, header, sha256) : ({ within: 'yes' } as const);
    if (use.within === 'outside')
      return out('outside-intended-use', use.detail === null ? use.reason : `${use.reason}: ${use.detail}`, {
        sha256,
      });
    return {
      draft: { ...draft, sha256, unknownUse: use.within === 'unknown' ? use.reason : '' },
      identities: identitiesOf(sha256, header),
    };
  } catch (error) {
    return out('unreadable', reasonOf(error).slice(0, 300));
  }
}

/** The same bytes under two names would count one image twice; with two labels nobody knows which holds. */
function tellSame(all: readonly Looked[]): void {
  const first = new Map<string, Looked[]>();
  for (const each of all) {
    if (each.draft.excluded !== null) continue;
    const same = each.identities.map((identity) => first.get(identity)).find((found) => found);
    if (same) same.push(each);
    for (const identity of each.identities) if (!first.has(identity)) first.set(identity, same ?? [each]);
  }
  for (const group of new Set(first.values())) {
    if (group.length < 2) continue;
    const names = group.map(({ draft }) => draft.image);
    const split = new Set(group.map(({ draft }) => draft.positive)).size > 1;
    for (const [i, each] of group.entries())
      if (split) exclude(each, 'contradiction', names.filter((_, k) => k !== i).join(' | '));
      else if (i > 0) exclude(each, 'duplicate', names[0]!);
  }
}
