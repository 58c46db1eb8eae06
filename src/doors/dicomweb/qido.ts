/** QIDO-RS: PS3.18 10.6. Search by the attributes that the archive indexes, answered as DICOM JSON or XML. */
import type { FastifyReply } from 'fastify';
import type { Archive, InstanceRow, SeriesRow, Sight, StudyCounts, StudyRow } from '../../archive/index.ts';
import { type DicomJson, hexTag, jsonString, personJson, TAG, type Tag } from '../../dicom/index.ts';
import { isAsked, matchesHeader } from '../header-match.ts';
import {
  baseOf,
  type DicomwebDependencies,
  type Get,
  instanceUrl,
  seriesUrl,
  studyUrl,
  withBulkUrls,
} from './context.ts';
import { type Attribute, dataSet, dataSetText, negotiateDataSets, sendXml, XML_TYPE } from './datasets.ts';
import { belongs } from './levels.ts';
import { nextPage } from './paging.ts';
import { type Fields, type Search, searchOf, selected } from './search.ts';

/** Results for which headers are read: each costs a look at its own. */
const MAX_WITH_HEADERS = 1000;

/** In the order of tags. */
const studyAttributes = (base: string, study: StudyRow, counts: StudyCounts): Attribute[] => [
  [TAG.StudyDate, 'DA', [study.studyDate]],
  [TAG.StudyTime, 'TM', [study.studyTime]],
  [TAG.AccessionNumber, 'SH', [study.accession]],
  [TAG.InstanceAvailability, 'CS', ['ONLINE']],
  [TAG.ModalitiesInStudy, 'CS', counts.modalities],
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
  [TAG.NumberOfStudyRelatedSeries, 'IS', [counts.series]],
  [TAG.NumberOfStudyRelatedInstances, 'IS', [counts.instances]],
];

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

const instanceAttributes = (base: string, row: InstanceRow): Attribute[] => {
  const attributes: Attribute[] = [
    [TAG.SOPClassUID, 'UI', [row.sopClassUid]],
    [TAG.SOPInstanceUID, 'UI', [row.sopInstanceUid]],
    [TAG.InstanceAvailability, 'CS', ['ONLINE']],
    [TAG.RetrieveURL, 'UR', [instanceUrl(base, row)]],
    [TAG.AvailableTransferSyntaxUID, 'UI', [row.transferSyntax]],
    [TAG.StudyInstanceUID, 'UI', [row.studyUid]],
    [TAG.SeriesInstanceUID, 'UI', [row.seriesUid]],
    [TAG.InstanceNumber, 'IS', [row.number]],
  ];
  if (row.rows !== null && row.columns !== null) {
    attributes.push(
      [TAG.NumberOfFrames, 'IS', [row.frames]],
      [TAG.Rows, 'US', [row.rows]],
      [TAG.Columns, 'US', [row.columns]],
    );
  }
  return attributes;
};

/** Both in the order of tags; of an attribute that both have, that of `own`. */
function merged(own: readonly Attribute[], others: readonly Attribute[] | undefined): readonly Attribute[] {
  if (!others) return own;
  const tags = new Set(own.map(([tag]) => tag));
  return [...own, ...others.filter(([tag]) => !tags.has(tag))].sort(([a], [b]) => a - b);
}

/** Headers that a search reads at most to find what the index does not have. */
const MAX_LOOKED_AT = 2000;
const STEP = 200;

type Page = { limit: number; offset: number };
/**
 * One page of the rows that `find` gives and a header confirms: that of the row's own or first instance, with what is `told` of
 * the row laid over it. Stops after so many headers, and says so.
 */
async function confirmed<T>(
  archive: Archive,
  { keys, options, offset, limit, warnings }: Search,
  find: (page: Page) => Promise<T[]>,
  instanceOf: (row: T) => Promise<InstanceRow | undefined> | InstanceRow,
  sight: Sight,
  told: (row: T) => DicomJson = () => ({}),
): Promise<T[]> {
  const wanted = offset + limit + 1;
  if (keys.every((key) => !isAsked(key))) return find({ limit: limit + 1, offset });
  const found: T[] = [];
  for (let at = 0; found.length < wanted; at += STEP) {
    if (at >= MAX_LOOKED_AT) {
      warnings.push(`only the first ${MAX_LOOKED_AT} were looked at: narrow the search`);
      break;
    }
    const rows = await find({ limit: STEP, offset: at });
    const places = new Map<string, T>();
    const instances: InstanceRow[] = [];
    for (const row of rows) {
      const instance = await instanceOf(row);
      if (!instance) continue;
      instances.push(instance);
      places.set(instance.sopInstanceUid, row);
    }
    const matching = new Set<string>();
    for await (const json of archive.metadata(instances, sight)) {
      const uid = jsonString(json, TAG.SOPInstanceUID) ?? '';
      const row = places.get(uid);
      if (row && matchesHeader({ ...json, ...told(row) }, keys, options)) matching.add(uid);
    }
    for (const [uid, row] of places) if (matching.has(uid)) found.push(row);
    if (rows.length < STEP) break;
  }
  return found.slice(offset, wanted);
}

/** One result: what the index tells, and what of a header was asked for beside. */
interface Result {
  readonly attributes: readonly Attribute[];
  header?: DicomJson;
}

export function searchRoutes({ archive, sightOf }: DicomwebDependencies) {
  const send = (
    request: Get,
    reply: FastifyReply,
    search: Search,
    results: Result[],
  ): FastifyReply | Promise<FastifyReply> => {
    const { warnings } = search;
    if (results.length > search.limit) {
      results.length = search.limit;
      nextPage(request, reply, search);
    }
    if (warnings.length > 0)
      void reply.header('warning', `299 negatoscope "${warnings.slice(0, 10).join('; ')}"`);
    void reply.header('cache-control', 'private, no-store');
    const type = negotiateDataSets(request);
    const objectOf = ({ attributes, header }: Result): DicomJson => ({ ...header, ...dataSet(attributes) });
    if (type === XML_TYPE) return sendXml(reply, results.values().map(objectOf));
    const texts = results.map((result) =>
      result.header ? JSON.stringify(objectOf(result)) : dataSetText(result.attributes),
    );
    return reply.type(type).send(`[${texts.join(',')}]`);
  };

  /** The query of the archive for one page; negotiates first, so that nobody waits for an answer that cannot be given. */
  const begin = (request: Get, level: 'study' | 'series' | 'instance') => {
    negotiateDataSets(request);
    const search = searchOf(request.query, level);
    if ((search.include === 'all' || search.include.size > 0) && search.limit > MAX_WITH_HEADERS)
      search.limit = MAX_WITH_HEADERS;
    const { study, series } = request.params;
    const query = {
      match: search.match,
      ...search.options,
      ...(study === undefined ? {} : { studyUid: study }),
      ...(series === undefined ? {} : { seriesUid: series }),
    };
    return { search, query, base: baseOf(request), sight: sightOf(request.principal) };
  };

  /** A search across studies tells the study's attributes too: PS3.18 10.6.3.3. */
  const studiesOf = async (
    request: Get,
    rows: readonly { studyUid: string }[],
    base: string,
    sight: Sight,
  ) => {
    const found = new Map<string, Attribute[]>();
    if (request.params.study !== undefined || rows.length === 0) return found;
    const uids = [...new Set(rows.map(({ studyUid }) => studyUid))];
    const [studies, counts] = [await archive.studies(uids), await archive.counts(uids, sight)];
    for (const study of studies)
      found.set(study.studyUid, studyAttributes(base, study, counts.get(study.studyUid)!));
    return found;
  };

  /** A search across series tells the series' attributes too: PS3.18 10.6.3.3. */
  const seriesOf = async (request: Get, rows: readonly InstanceRow[], base: string, sight: Sight) => {
    const found = new Map<string, Attribute[]>();
    if (request.params.series !== undefined || rows.length === 0) return found;
    const uids = [...new Set(rows.map(({ seriesUid }) => seriesUid))];
    const match = { SeriesInstanceUID: uids.join('\\') };
    const { study } = request.params;
    const query = { match, limit: 2 * uids.length, ...(study === undefined ? {} : { studyUid: study }) };
    for (const series of await archive.findSeries(query, sight))
      found.set(`${series.studyUid} ${series.seriesUid}`, seriesAttributes(base, series));
    return found;
  };

  /** What was asked for and the index does not tell, from the headers of these instances; `place` of a result is that of its instance. */
  async function addHeaders(
    results: readonly Result[],
    instances: readonly (InstanceRow | undefined)[],
    include: Fields | 'all',
    base: string,
    sight: Sight,
    belongsHere: (tag: Tag) => boolean,
  ): Promise<void> {
    const byUid = new Map(
      instances.flatMap((row, i) => (row ? [[row.sopInstanceUid, { row, i }] as const] : [])),
    );
    const rows = [...byUid.values()].map(({ row }) => row);
    for await (const json of archive.metadata(rows, sight)) {
      const found = byUid.get(jsonString(json, TAG.SOPInstanceUID) ?? '');
      if (!found) continue;
      const asked = include === 'all' ? json : selected(json, include);
      const here = Object.fromEntries(
        Object.entries(asked).filter(([key]) => belongsHere(parseInt(key, 16) as Tag)),
      );
      results[found.i]!.header = withBulkUrls(here, instanceUrl(base, found.row));
    }
  }
  /** For studies and series: of each one its first instance. Nothing is read when the index tells all that was asked for. */
  async function addOfFirst(
    results: readonly Result[],
    places: readonly { studyUid: string; seriesUid?: string }[],
    search: Search,
    base: string,
    sight: Sight,
    level: 'study' | 'series',
    withStudy: boolean,
  ): Promise<void> {
    const { include, limit } = search;
    const told = new Set(results[0]?.attributes.map(([tag]) => tag));
    const belongsHere = (tag: Tag): boolean => !told.has(tag) && belongs(tag, level, withStudy);
    if (include !== 'all') {
      const others = [...include.keys()].filter((tag) => !told.has(tag) && !belongsHere(tag));
      if (others.length > 0 && results.length > 0)
        search.warnings.push(`not told at this level: ${others.slice(0, 10).map(hexTag).join(', ')}`);
      if (![...include.keys()].some(belongsHere)) return;
    }
    const firsts: (InstanceRow | undefined)[] = [];
    for (const place of places.slice(0, limit)) firsts.push(await firstOf(sight)(place));
    await addHeaders(results, firsts, include, base, sight, belongsHere);
  }

  /** The first instance of a study or series. */
  const firstOf =
    (sight: Sight) =>
    async ({ studyUid, seriesUid }: { studyUid: string; seriesUid?: string }) => {
      const place = { studyUid, ...(seriesUid === undefined ? {} : { seriesUid }) };
      return (await archive.findInstances({ match: {}, ...place, limit: 1 }, sight))[0];
    };

  return {
    async studies(request: Get, reply: FastifyReply) {
      const { search, query, base, sight } = begin(request, 'study');
      const find = (page: Page) => archive.findStudies({ ...query, ...page }, sight);
      const rows = await confirmed(archive, search, find, firstOf(sight), sight);
      const results = rows.map((row): Result => ({ attributes: studyAttributes(base, row, row.counts) }));
      const places = rows.map(({ studyUid }) => ({ studyUid }));
      await addOfFirst(results, places, search, base, sight, 'study', true);
      return send(request, reply, search, results);
    },

    async series(request: Get, reply: FastifyReply) {
      const { search, query, base, sight } = begin(request, 'series');
      const find = (page: Page) => archive.findSeries({ ...query, ...page }, sight);
      const rows = await confirmed(archive, search, find, firstOf(sight), sight);
      const studies = await studiesOf(request, rows, base, sight);
      const results = rows.map((row): Result => ({
        attributes: merged(seriesAttributes(base, row), studies.get(row.studyUid)),
      }));
      const places = rows.map(({ studyUid, seriesUid }) => ({ studyUid, seriesUid }));
      await addOfFirst(results, places, search, base, sight, 'series', request.params.study === undefined);
      return send(request, reply, search, results);
    },

    async instances(request: Get, reply: FastifyReply) {
      const { search, query, base, sight } = begin(request, 'instance');
      const find = (page: Page) => archive.findInstances({ ...query, ...page }, sight);
      // An image of one frame has no number of frames in its header.
      const told = (row: InstanceRow) => dataSet(instanceAttributes(base, row));
      const rows = await confirmed(archive, search, find, (row) => row, sight, told);
      const studies = await studiesOf(request, rows, base, sight);
      const series = await seriesOf(request, rows, base, sight);
      const results = rows.map((row): Result => {
        const above = series.get(`${row.studyUid} ${row.seriesUid}`);
        return {
          attributes: merged(merged(instanceAttributes(base, row), above), studies.get(row.studyUid)),
        };
      });
      const { include } = search;
      if (include === 'all' || include.size > 0)
        await addHeaders(results, rows.slice(0, search.limit), include, base, sight, () => true);
      return send(request, reply, search, results);
    },
  };
}
