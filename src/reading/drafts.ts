import { SEES_NO_AI } from '../archive/types.ts';
import { NegatoscopeError } from '../errors.ts';
import type { Language, Principal } from '../people/types.ts';
import { withoutControls } from '../store/canonical.ts';
import type { Case, Cases, OpinionRow } from './cases.ts';
import type { Claims } from './claims.ts';
import { asDb, parseJson, readerOf } from './context.ts';
import type { Context, ReadingTx } from './context.ts';
import { doseLine, techniqueLine, type DicomJson } from './header.ts';
import type { Draft, ReportFields } from './types.ts';

/** Dose is looked for in so many headers at most: a radiograph has few, a CT says it elsewhere. */
const MAX_HEADERS = 64;

function emptyFields(language: Language): ReportFields {
  return {
    indication: '',
    technique: '',
    findings: '',
    conclusion: '',
    justification: '',
    dose: '',
    patientInformedOfAi: false,
    answers: {},
    language,
  };
}

/** Drafts: one of each reader and round. What the program fills in comes from the images' headers. */
export function createDrafts(context: Context, parts: { claims: Claims; cases: Cases }) {
  const { archive, write, now } = context;
  const { claims, cases } = parts;

  /** What the program fills in: header facts. A saved draft goes over them, except for the dose. */
  async function suggested(of: Case, language: Language): Promise<ReportFields> {
    // A study may hold documents of the modality beside its images.
    const images = of.images.filter(({ rows }) => rows !== null);
    const headers: DicomJson[] = [];
    for await (const header of archive.metadata(images.slice(0, MAX_HEADERS), SEES_NO_AI))
      headers.push(header);
    return {
      ...emptyFields(language),
      indication: of.study.indication,
      technique: techniqueLine(of.study, images, language),
      dose: doseLine(headers, language),
    };
  }
  async function row(db: Context['read'] | ReadingTx, studyUid: string, personId: string, round: number) {
    return asDb(db)
      .selectFrom('draft')
      .selectAll()
      .where('study_uid', '=', studyUid)
      .where('person_id', '=', personId)
      .where('round', '=', round)
      .executeTakeFirst();
  }
  /**
   * The draft as the reader sees it: what was saved over what the header says. An own conclusion given first answers the
   * question, until the reader answers otherwise.
   */
  function fieldsOf(
    suggestion: ReportFields,
    saved: Partial<ReportFields> | null,
    opinions: readonly OpinionRow[],
  ): ReportFields {
    const merged = { ...suggestion, ...saved };
    return {
      ...merged,
      dose: suggestion.dose,
      answers: {
        ...Object.fromEntries(opinions.map(({ modelId, answer }) => [modelId, answer])),
        ...saved?.answers,
      },
    };
  }

  return {
    suggested,
    row,
    fieldsOf,

    /** @throws NegatoscopeError `draft-changed` (409) when `revision` is not the stored one, and those of a claim */
    async save(
      studyUid: string,
      fields: Partial<ReportFields>,
      revision: number,
      principal: Principal,
    ): Promise<Draft> {
      const personId = readerOf(principal);
      const { dose: _filledByTheProgram, ...rest } = fields;
      const own = Object.fromEntries(
        Object.entries(rest).map(([key, value]) => [
          key,
          // White space at the ends stays: somebody may be typing.
          typeof value === 'string' ? withoutControls(value) : value,
        ]),
      ) as Partial<ReportFields>;
      const saved = await write(async (tx) => {
        const { round } = await claims.require(tx, studyUid, personId);
        const stored = await row(tx, studyUid, personId, round);
        if ((stored?.revision ?? 0) !== revision)
          throw new NegatoscopeError('draft-changed', 'This report was changed elsewhere. Load it again.', {
            status: 409,
            details: { revision: stored?.revision ?? 0 },
          });
        const before = parseJson<Partial<ReportFields>>(stored?.fields ?? null) ?? {};
        const merged = { ...before, ...own, answers: { ...before.answers, ...own.answers } };
        const values = { fields: JSON.stringify(merged), revision: revision + 1, saved_at: now() };
        await tx
          .insertInto('draft')
          .values({ study_uid: studyUid, person_id: personId, round, ...values })
          .onConflict((c) => c.columns(['study_uid', 'person_id', 'round']).doUpdateSet(values))
          .execute();
        return { ...values, merged, opinions: await cases.opinionsOf(tx, studyUid, personId, round) };
      });
      const language = saved.merged.language ?? principal.language;
      const suggestion = await suggested(await cases.load(studyUid), language);
      return {
        fields: fieldsOf(suggestion, saved.merged, saved.opinions),
        revision: saved.revision,
        savedAt: saved.saved_at,
      };
    },
  };
}
export type Drafts = ReturnType<typeof createDrafts>;
