import { SEES_NO_AI } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import { calibrationAt, valueUnitOf, type Point } from '../measure/calibration.ts';
import type { Header } from '../measure/header.ts';
import { geometryOf, PIXEL_QUANTITIES, POINTS, type Mark, type Quantity } from '../measure/marks.ts';
import type { Principal } from '../people/types.ts';
import { plainText } from '../store/canonical.ts';
import type { Claims } from './claims.ts';
import { asDb, readerOf } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import type { MarkForm } from './types.ts';

const MAX_MARKS = 500;
const MAX_TEXT = 200;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Which values of pixels go with which mark. The page counts them, as the server holds no decoded image; what follows from the
 * points is computed here, so that a report cannot state a length that its points and header do not.
 */
function pixelQuantities(form: MarkForm, unit: 'HU' | ''): Quantity[] {
  const region = form.kind === 'ellipse' || form.kind === 'rectangle';
  return PIXEL_QUANTITIES.flatMap((name) => {
    if (!(name === 'value' ? form.kind === 'probe' : region)) return [];
    const given = form.pixels.find((each) => each.name === name);
    return given && Number.isFinite(given.value) ? [{ name, value: given.value, unit }] : [];
  });
}

/** Measurements, annotations and key images of one reader: drafts until the signature takes them over. */
export function createMarks(context: Context, claims: Claims) {
  const { archive, write, now } = context;

  async function of(
    db: Context['read'] | ReadingTx,
    studyUid: string,
    personId: string,
    round: number,
  ): Promise<Mark[]> {
    const rows = await asDb(db)
      .selectFrom('mark')
      .select('content')
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(({ content }) => JSON.parse(content) as Mark);
  }

  return {
    of,

    /**
     * @throws NegatoscopeError `mark-unknown-id` (400), `image-unknown` (404), `mark-outside`, `mark-points` (400),
     * `too-many-marks`, `mark-taken` (409), and those of a claim
     */
    async put(studyUid: string, markId: string, form: MarkForm, principal: Principal): Promise<Mark> {
      const personId = readerOf(principal);
      if (!UUID.test(markId))
        throw new NegatoscopeError('mark-unknown-id', 'A mark is named by a UUID in lower case.');
      const image = await archive.instance(form.sopInstanceUid, SEES_NO_AI);
      if (
        !image ||
        image.studyUid !== studyUid ||
        image.kind !== 'image' ||
        form.frame > Math.max(1, image.frames)
      )
        throw new NegatoscopeError('image-unknown', 'There is no such image in this study.', { status: 404 });
      if (form.points.length !== POINTS[form.kind])
        throw new NegatoscopeError('mark-points', `A mark of this kind has ${POINTS[form.kind]} points.`);
      const { rows, columns } = image;
      const inside = ([x, y]: Point) =>
        x >= 0 && y >= 0 && x <= (columns ?? Infinity) && y <= (rows ?? Infinity);
      if (!form.points.every(inside))
        throw new NegatoscopeError('mark-outside', 'Draw the mark inside the image.');

      let header: Header = {};
      for await (const json of archive.metadata([image], SEES_NO_AI)) header = json as Header;
      const calibration = calibrationAt(header, form.frame, form.points);
      const mark: Mark = {
        id: markId,
        kind: form.kind,
        sopInstanceUid: form.sopInstanceUid,
        frame: form.frame,
        points: form.points.map(([x, y]): Point => [x, y]),
        text: plainText(form.text ?? '').slice(0, MAX_TEXT) || null,
        quantities: [
          ...geometryOf(form.kind, form.points, calibration),
          ...pixelQuantities(form, valueUnitOf(header, form.frame)),
        ],
        calibration: calibration.kind,
        presentation: form.presentation,
        at: now(),
      };
      return write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        const known = await tx
          .selectFrom('mark')
          .select(['study_uid', 'round'])
          .where('id', '=', markId)
          .where('person_id', '=', personId)
          .executeTakeFirst();
        // Signed: the mark of an earlier version is that version's.
        if (known && (known.study_uid !== studyUid || known.round !== round))
          throw new NegatoscopeError('mark-taken', 'A mark of this name is elsewhere.', { status: 409 });
        if (!known) {
          const { count } = await tx
            .selectFrom('mark')
            .select((eb) => eb.fn.countAll().as('count'))
            .where('study_uid', '=', studyUid)
            .where('person_id', '=', personId)
            .where('round', '=', round)
            .executeTakeFirstOrThrow();
          if (Number(count) >= MAX_MARKS)
            throw new NegatoscopeError('too-many-marks', 'This study has too many marks.', { status: 409 });
        }
        const content = JSON.stringify(mark);
        await tx
          .insertInto('mark')
          .values({
            id: markId,
            person_id: personId,
            study_uid: studyUid,
            round,
            content,
            created_at: mark.at,
          })
          .onConflict((c) => c.columns(['id', 'person_id']).doUpdateSet({ content }))
          .execute();
        return mark;
      });
    },

    async remove(studyUid: string, markId: string, principal: Principal): Promise<void> {
      const personId = readerOf(principal);
      await write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        await tx
          .deleteFrom('mark')
          .where('id', '=', markId)
          .where('person_id', '=', personId)
          .where('study_uid', '=', studyUid)
          .where('round', '=', round)
          .execute();
      });
    },
  };
}
export type Marks = ReturnType<typeof createMarks>;
