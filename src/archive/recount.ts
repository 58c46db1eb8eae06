/** What the rows of a study say once instances were taken away or put back. */
import type { Tx } from '../store/types.ts';
import { sides } from './record.ts';
import { joinList } from './rows.ts';
import { retally, studyWords } from './studyIndex.ts';
import type { ArchiveTables } from './tables.ts';

/**
 * Counts a study's instances anew: its own row, its series, the words it is found by. Series without instances go, and so does
 * the study once nothing is left of it. Returns how many instances there are.
 */
export async function recount(tx: Tx<ArchiveTables>, studyUid: string): Promise<number> {
  const groups = await tx
    .selectFrom('instance')
    .select(['series_uid', 'kind', 'body_part', 'laterality'])
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('study_uid', '=', studyUid)
    .groupBy(['series_uid', 'kind', 'body_part', 'laterality'])
    .execute();
  if (groups.length === 0) {
    await forgetStudy(tx, studyUid);
    return 0;
  }
  const rows = await tx.selectFrom('series').selectAll().where('study_uid', '=', studyUid).execute();
  const modality = new Map(rows.map((row) => [row.series_uid, row.modality]));
  const present = new Set(groups.map(({ series_uid }) => series_uid));
  for (const { series_uid } of rows) {
    const series = tx.updateTable('series').where('study_uid', '=', studyUid);
    const own = groups.filter((group) => group.series_uid === series_uid && group.kind === 'image');
    const images = own.reduce((sum, { n }) => sum + Number(n), 0);
    if (present.has(series_uid)) await series.set({ images }).where('series_uid', '=', series_uid).execute();
    else {
      await tx
        .deleteFrom('series')
        .where('study_uid', '=', studyUid)
        .where('series_uid', '=', series_uid)
        .execute();
    }
  }
  const images = groups.filter(({ kind }) => kind === 'image');
  const withImages = [...new Set(images.map(({ series_uid }) => series_uid))];
  await tx
    .updateTable('study')
    .set({
      images: images.reduce((sum, { n }) => sum + Number(n), 0),
      series: withImages.length,
      modalities: joinList(withImages.map((uid) => modality.get(uid) ?? '')),
      body_parts: joinList(images.map(({ body_part }) => body_part)),
      laterality: sides(images.map(({ laterality }) => laterality)),
    })
    .where('study_uid', '=', studyUid)
    .execute();
  await retally(tx, studyUid);
  return groups.reduce((sum, { n }) => sum + Number(n), 0);
}

async function forgetStudy(tx: Tx<ArchiveTables>, studyUid: string): Promise<void> {
  const study = await tx.selectFrom('study').selectAll().where('study_uid', '=', studyUid).executeTakeFirst();
  if (study) {
    const words = [...studyWords(study)];
    if (words.length > 0) {
      await tx
        .deleteFrom('study_word')
        .where('word', 'in', words)
        .where('order_at', '=', Number(study.order_at))
        .where('study_uid', '=', studyUid)
        .execute();
    }
  }
  for (const table of ['series', 'study'] as const)
    await tx.deleteFrom(table).where('study_uid', '=', studyUid).execute();
}
