/**
 * What is kept beside the study rows so that a question need not count or scan: how many objects there are without those of AI,
 * and the table `study_word`, which finds studies by beginnings of names and by modality, newest first. All of it follows from
 * the rows of `study`, `series` and `instance`: `retally` makes it anew.
 */
import { sql } from 'kysely';
import type { Tx } from '../store/types.ts';
import { wordsOf } from './fold.ts';
import { joinList, splitList } from './rows.ts';
import type { ArchiveTables, StudyTable } from './tables.ts';

/**
 * First letter of a word: `p` patient, `r` referring physician, followed by `=` and a whole component group of the name or by a
 * space and one of its words; `m` modality of images and reports, `a` modality of results of AI, followed by `|` and the code.
 */
export type WordKind = 'p' | 'r' | 'm' | 'a';
export const groupWord = (kind: 'p' | 'r', group: string): string => `${kind}=${group}`;
export const nameWord = (kind: 'p' | 'r', word: string): string => `${kind} ${word}`;
export const modalityWord = (kind: 'm' | 'a', modality: string): string => `${kind}|${modality}`;

type Worded = Pick<StudyTable, 'f_name' | 'f_referring' | 'held_modalities' | 'ai_modalities'>;

const named = (kind: 'p' | 'r', folded: string): string[] => {
  const end = folded.lastIndexOf('=');
  if (end <= 0) return [];
  return [
    ...folded
      .slice(1, end)
      .split('=')
      .map((group) => groupWord(kind, group)),
    ...wordsOf(folded.slice(end + 1)).map((word) => nameWord(kind, word)),
  ];
};

export const studyWords = (row: Worded): Set<string> =>
  new Set([
    ...named('p', row.f_name),
    ...named('r', row.f_referring),
    ...splitList(row.held_modalities).map((modality) => modalityWord('m', modality)),
    ...splitList(row.ai_modalities).map((modality) => modalityWord('a', modality)),
  ]);

/**
 * The order of studies in every answer, newest first: YYYYMMDDhhmmss of the study's date and time; of its arrival (UTC) where it
 * has no date.
 */
export function orderAt(row: Pick<StudyTable, 'study_date' | 'f_time' | 'first_received_at'>): number {
  const { study_date: date, f_time: time, first_received_at: received } = row;
  return date === ''
    ? Number(new Date(Number(received)).toISOString().replace(/\D/g, '').slice(0, 14))
    : Number(date + time.slice(0, 6).padEnd(6, '0'));
}

/** Brings the words of one study from what followed of `before` to what follows of `after`. */
export async function syncWords(
  tx: Tx<ArchiveTables>,
  before: StudyTable | undefined,
  after: StudyTable,
): Promise<void> {
  const moved = before !== undefined && Number(before.order_at) !== Number(after.order_at);
  const old = before ? studyWords(before) : new Set<string>();
  const wanted = studyWords(after);
  const gone = [...old].filter((word) => moved || !wanted.has(word));
  const fresh = [...wanted].filter((word) => moved || !old.has(word));
  if (gone.length > 0) {
    await tx
      .deleteFrom('study_word')
      .where('word', 'in', gone)
      .where('order_at', '=', Number(before!.order_at))
      .where('study_uid', '=', after.study_uid)
      .execute();
  }
  if (fresh.length > 0) {
    await tx
      .insertInto('study_word')
      .values(fresh.map((word) => ({ word, order_at: after.order_at, study_uid: after.study_uid })))
      .execute();
  }
}

/** Counts a study's objects anew and writes what follows from them. For whoever takes instances away, and for old data. */
export async function retally(tx: Tx<ArchiveTables>, studyUid: string): Promise<void> {
  await tx
    .updateTable('series')
    .set({
      held: sql<number>`(select count(*) from instance where instance.study_uid = series.study_uid and instance.series_uid = series.series_uid and instance.ai_run_id is null)`,
      ai: sql<number>`(select count(*) from instance where instance.study_uid = series.study_uid and instance.series_uid = series.series_uid and instance.ai_run_id is not null)`,
    })
    .where('study_uid', '=', studyUid)
    .execute();
  const study = await tx.selectFrom('study').selectAll().where('study_uid', '=', studyUid).executeTakeFirst();
  if (!study) return;
  const series = await tx
    .selectFrom('series')
    .select(['modality', 'held', 'ai'])
    .where('study_uid', '=', studyUid)
    .execute();
  const held = series.filter((row) => Number(row.held) > 0);
  const ai = series.filter((row) => Number(row.ai) > 0);
  const tally = {
    order_at: orderAt(study),
    held: held.reduce((sum, row) => sum + Number(row.held), 0),
    held_series: held.length,
    held_modalities: joinList(held.map(({ modality }) => modality)),
    ai: ai.reduce((sum, row) => sum + Number(row.ai), 0),
    ai_modalities: joinList(ai.map(({ modality }) => modality)),
  };
  await tx.updateTable('study').set(tally).where('study_uid', '=', studyUid).execute();
  await syncWords(tx, study, { ...study, ...tally });
}
