/** QIDO-RS: PS3.18 10.6. Search by the attributes that the archive indexes, answered as DICOM JSON. */
import type { FastifyReply } from 'fastify';
import { type InstanceRow, isKey, type Level, type SeriesRow, type StudyRow } from '../../archive/index.ts';
import {
  type DicomJson,
  hexTag,
  jsonString,
  keywordOf,
  personJson,
  TAG,
  tagOf,
  type VR,
} from '../../dicom/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { JSON_TYPES, negotiate } from './accept.ts';
import {
  baseOf,
  type DicomwebDependencies,
  type Get,
  instanceUrl,
  seriesUrl,
  studyUrl,
  withBulkUrls,
} from './context.ts';

const MAX_RESULTS = 5_000;
const OPTIONS = new Set([
  'limit',
  'offset',
  'fuzzymatching',
  'emptyvaluematching',
  'multiplevaluematching',
  'includefield',
  'accept',
]);

interface Search {
  match: Record<string, string>;
  fuzzy: boolean;
  limit: number;
  offset: number;
  /** Tags asked for, or all. */
  include: ReadonlySet<number> | 'all';
  warnings: string[];
}

const badParameter = (name: string): NegatoscopeError =>
  new NegatoscopeError('bad-parameter', `The query parameter ${name} has a value that cannot be used.`, {
    details: { parameter: name },
  });

export function searchOf(query: Record<string, string | string[]>, level: Level): Search {
  const one = (name: string): string | undefined => [query[name] ?? []].flat()[0];
  const whole = (name: string, fallback: number): number => {
    const value = one(name);
    if (value === undefined) return fallback;
    if (!/^\d{1,9}$/.test(value)) throw badParameter(name);
    return Number(value);
  };
  const match: Record<string, string> = {};
  const warnings: string[] = [];
  for (const [name, given] of Object.entries(query)) {
    if (OPTIONS.has(name)) continue;
    const tag = tagOf(name);
    const keyword = tag === undefined ? undefined : keywordOf(tag);
    if (keyword !== undefined && isKey(level, keyword)) match[keyword] = [given].flat().join(',');
    // The name alone: a value may be a patient's.
    else if (/^[\w.]{1,64}$/.test(name)) warnings.push(`${name} is not supported and was ignored`);
    else throw badParameter('(unknown)');
  }
  const fields = [query.includefield ?? []].flat().flatMap((field) => field.split(','));
  return {
    match,
    warnings,
    fuzzy: one('fuzzymatching') === 'true',
    limit: Math.min(MAX_RESULTS, whole('limit', MAX_RESULTS)),
    offset: whole('offset', 0),
    include: fields.includes('all') ? 'all' : new Set(fields.flatMap((field) => tagOf(field) ?? [])),
  };
}

type Attribute = [tag: number, vr: VR, values: readonly unknown[]];
/** Return keys stand in the answer also when they are empty: PS3.18 10.6.3.3. */
const dicomJson = (attributes: readonly Attribute[]): DicomJson =>
  Object.fromEntries(
    [...attributes]
      .sort(([a], [b]) => a - b)
      .map(([tag, vr, values]) => {
        const filled = values.filter((value) => value !== '' && value !== null && value !== undefined);
        return [hexTag(tag), filled.length > 0 ? { vr, Value: filled } : { vr }];
      }),
  );

function studyAttributes(
  base: string,
  study: StudyRow,
  counts: { series: number; instances: number; modalities: string[] } | undefined,
): Attribute[] {
  return [
    [TAG.StudyDate, 'DA', [study.studyDate]],
    [TAG.StudyTime, 'TM', [study.studyTime]],
    [TAG.AccessionNumber, 'SH', [study.accession]],
    [TAG.InstanceAvailability, 'CS', ['ONLINE']],
    [TAG.ModalitiesInStudy, 'CS', counts?.modalities ?? study.modalities],
    [TAG.ReferringPhysicianName, 'PN', [personJson(study.referring)]],
    [TAG.StudyDescription, 'LO', [study.description]],
    [TAG.RetrieveURL, 'UR', [studyUrl(base, study.studyUid)]],
    [TAG.PatientName, 'PN', [personJson(study.patientName)]],
    [TAG.PatientID, 'LO', [study.patientId]],
    [TAG.IssuerOfPatientID, 'LO', [study.issuer]],
    [TAG.PatientBirthDate, 'DA', [study.birthDate]],
    [TAG.PatientSex, 'CS', [study.sex]],
    [TAG.StudyInstanceUID, 'UI', [study.studyUid]],
    [TAG.StudyID, 'SH', [study.studyId]],
    [TAG.NumberOfStudyRelatedSeries, 'IS', [counts?.series ?? 0]],
    [TAG.NumberOfStudyRelatedInstances, 'IS', [counts?.instances ?? 0]],
  ];
}

const seriesAttributes = (base: string, series: SeriesRow): Attribute[] => [
  [TAG.Modality, 'CS', [series.modality]],
  [TAG.SeriesDescription, 'LO', [series.description]],
  [TAG.RetrieveURL, 'UR', [seriesUrl(base, series.studyUid, series.seriesUid)]],
  [TAG.BodyPartExamined, 'CS', [series.bodyPart]],
  [TAG.StudyInstanceUID, 'UI', [series.studyUid]],
  [TAG.SeriesInstanceUID, 'UI', [series.seriesUid]],
  [TAG.SeriesNumber, 'IS', [series.number]],
  [TAG.Laterality, 'CS', [series.laterality]],
  [TAG.NumberOfSeriesRelatedInstances, 'IS', [series.instances]],
];

const instanceAttributes = (base: string, row: InstanceRow): Attribute[] => [
  [TAG.SOPClassUID, 'UI', [row.sopClassUid]],
  [TAG.SOPInstanceUID, 'UI', [row.sopInstanceUid]],
  [TAG.InstanceAvailability, 'CS', ['ONLINE']],
  [TAG.RetrieveURL, 'UR', [instanceUrl(base, row)]],
  [TAG.AvailableTransferSyntaxUID, 'UI', [row.transferSyntax]],
  [TAG.StudyInstanceUID, 'UI', [row.studyUid]],
  [TAG.SeriesInstanceUID, 'UI', [row.seriesUid]],
  [TAG.InstanceNumber, 'IS', [row.number]],
  ...(row.rows === null || row.columns === null
    ? []
    : ([
        [TAG.NumberOfFrames, 'IS', [row.frames]],
        [TAG.Rows, 'US', [row.rows]],
        [TAG.Columns, 'US', [row.columns]],
      ] satisfies Attribute[])),
];

export function searchRoutes({ archive, sightOf }: DicomwebDependencies) {
  const answer = (reply: FastifyReply, search: Search, type: string, results: DicomJson[]): FastifyReply => {
    const { warnings } = search;
    if (results.length > search.limit) {
      results.length = search.limit;
      warnings.push('There are more results: ask again with offset');
    }
    if (warnings.length > 0) reply.header('warning', `299 negatoscope "${warnings.slice(0, 10).join('; ')}"`);
    return reply.type(type).header('cache-control', 'private, no-store').send(JSON.stringify(results));
  };
  const paged = (search: Search) => ({
    match: search.match,
    fuzzy: search.fuzzy,
    // One more tells whether there are more.
    limit: search.limit + 1,
    offset: search.offset,
  });
  const below = ({ params }: Get) => ({
    ...(params.study === undefined ? {} : { studyUid: params.study }),
    ...(params.series === undefined ? {} : { seriesUid: params.series }),
  });
  /** A search across studies tells the study's attributes too: PS3.18 10.6.3.3. */
  const studiesOf = async (request: Get, rows: readonly { studyUid: string }[]) => {
    const uids = request.params.study === undefined ? [...new Set(rows.map(({ studyUid }) => studyUid))] : [];
    const sight = sightOf(request.principal);
    const [studies, counts] = [await archive.studies(uids), await archive.counts(uids, sight)];
    const base = baseOf(request);
    return new Map(
      studies.map((study) => [study.studyUid, studyAttributes(base, study, counts.get(study.studyUid))]),
    );
  };

  return {
    async studies(request: Get, reply: FastifyReply) {
      const type = negotiate(request, JSON_TYPES);
      const search = searchOf(request.query, 'study');
      const sight = sightOf(request.principal);
      const rows = await archive.findStudies(paged(search), sight);
      const counts = await archive.counts(
        rows.map(({ studyUid }) => studyUid),
        sight,
      );
      const base = baseOf(request);
      const results = rows.map((row) => dicomJson(studyAttributes(base, row, counts.get(row.studyUid))));
      return answer(reply, search, type, results);
    },

    async series(request: Get, reply: FastifyReply) {
      const type = negotiate(request, JSON_TYPES);
      const search = searchOf(request.query, 'series');
      const rows = await archive.findSeries(
        { ...paged(search), ...below(request) },
        sightOf(request.principal),
      );
      const studies = await studiesOf(request, rows);
      const base = baseOf(request);
      const results = rows.map((row) =>
        dicomJson([...(studies.get(row.studyUid) ?? []), ...seriesAttributes(base, row)]),
      );
      return answer(reply, search, type, results);
    },

    async instances(request: Get, reply: FastifyReply) {
      const type = negotiate(request, JSON_TYPES);
      const search = searchOf(request.query, 'instance');
      const sight = sightOf(request.principal);
      const rows = await archive.findInstances({ ...paged(search), ...below(request) }, sight);
      const studies = await studiesOf(request, rows);
      const base = baseOf(request);
      const { include } = search;
      const results = rows.map((row) =>
        dicomJson([...(studies.get(row.studyUid) ?? []), ...instanceAttributes(base, row)]),
      );
      if (include === 'all' || include.size > 0) {
        const byUid = new Map(rows.map((row, i) => [row.sopInstanceUid, i]));
        for await (const json of archive.metadata(rows.slice(0, search.limit), sight)) {
          const i = byUid.get(jsonString(json, TAG.SOPInstanceUID) ?? '') ?? -1;
          const row = rows[i];
          if (!row) continue;
          const wanted = Object.entries(withBulkUrls(json, instanceUrl(base, row))).filter(
            ([tag]) => include === 'all' || include.has(parseInt(tag, 16)),
          );
          results[i] = { ...Object.fromEntries(wanted), ...results[i] };
        }
      }
      return answer(reply, search, type, results);
    },
  };
}
