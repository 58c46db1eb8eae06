/** A case as the one who labels it sees it: images, age and sex, and for who settles a disagreement the readings. */
import { shuffled } from '../random.ts';
import type { Context, WholeQueue } from './context.ts';
import { readingsOf } from './needs.ts';
import type { Open } from './offer.ts';
import { labelsOf } from './project.ts';
import type { CaseToLabel } from './types.ts';

export async function caseToLabel(
  { archive, read, seriesOf, imagesOf }: Context,
  of: WholeQueue,
  personId: string,
  open: Open,
): Promise<CaseToLabel | null> {
  const [study] = await archive.studies([open.studyUid]);
  if (!study) return null;
  const [series, images] = await Promise.all([seriesOf(open.studyUid), imagesOf(open.studyUid)]);
  const bySeries = Map.groupBy(images, ({ seriesUid }) => seriesUid);
  let readings: CaseToLabel['readings'] = [];
  if (open.need !== 'reading') {
    const labels = readingsOf(await labelsOf(read as never, of.id, [open.studyUid]));
    // Neither first nor second by its place.
    const order = shuffled(
      labels.map(({ id }) => id),
      `${of.orderSeed} ${personId}`,
    );
    readings = order.map((id) => {
      const { answer, boxes } = labels.find((label) => label.id === id)!;
      return { answer, boxes };
    });
  }
  return {
    kind: open.need,
    study: {
      studyUid: study.studyUid,
      ageYears: study.ageYears,
      sex: study.sex,
      bodyParts: study.bodyParts,
      laterality: study.laterality,
      modalities: study.modalities,
    },
    series: series
      .filter(({ kind }) => kind === 'image')
      .map((each) => ({
        seriesUid: each.seriesUid,
        modality: each.modality,
        description: each.description,
        bodyPart: each.bodyPart,
        instances: (bySeries.get(each.seriesUid) ?? []).map((image) => ({
          sopInstanceUid: image.sopInstanceUid,
          sopClassUid: image.sopClassUid,
          transferSyntax: image.transferSyntax,
          rows: image.rows,
          columns: image.columns,
          frames: image.frames,
          viewPosition: image.viewPosition,
          laterality: image.laterality ?? each.laterality,
          photo: image.photo,
        })),
      })),
    readings,
  };
}
