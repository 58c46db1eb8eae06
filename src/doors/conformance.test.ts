/** docs/conformance.md is a promise to other systems: its tables are held against the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isKey, type IngestOutcome, type Level, type QuarantineReason } from '../archive/index.ts';
import { configShape } from '../config.ts';
import { canDecode } from '../dicom/pixels/index.ts';
import {
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION_NAME,
  keywordOf,
  STORAGE_SOP_CLASSES,
  TAG,
  TRANSFER_SYNTAXES,
} from '../dicom/index.ts';
import { DEFAULT_ASYNC_WINDOW, DEFAULT_LIMITS, DEFAULT_MAX_ASSOCIATIONS } from '../wire/index.ts';
import { dicomwebRoutes } from './dicomweb/index.ts';
import { UPS_ACCESS, upsRoutes } from './dicomweb/ups.ts';
import { answerTo } from './dimse/index.ts';
import { FAILURE, type Failure } from './failure.ts';

const text = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');

/** Rows of the first table whose first heading is `heading`, below the line that holds `after`; without the headings. */
function table(heading: string, after = ''): string[][] {
  const lines = text.slice(Math.max(0, text.indexOf(after))).split('\n');
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'));
  const start = lines.findIndex((line) => line.startsWith('|') && cells(line)[0] === heading);
  if (start < 0) throw new Error(`There is no table with the heading ${heading}`);
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? rest.length : end).map(cells);
}
const pairs = (rows: string[][]): Record<string, string> =>
  Object.fromEntries(rows.map(([key = '', value = '']) => [key, value]));

describe('the conformance statement', () => {
  it('names the implementation and its defaults', () => {
    const said = pairs(table('item', '### 3.1'));
    const config = configShape.parse({});
    expect(said).toEqual({
      'Implementation Class UID': IMPLEMENTATION_CLASS_UID,
      'Implementation Version Name': IMPLEMENTATION_VERSION_NAME,
      'Application Context Name': '1.2.840.10008.3.1.1.1',
      'AE title (`aet`)': config.aet,
      'port (`dicomPort`)': String(config.dicomPort),
    });
  });

  it('names the limits of an association', () => {
    const said = pairs(table('policy', '### 3.2'));
    expect(Number(said['longest P-DATA-TF received, bytes'])).toBe(DEFAULT_LIMITS.maxPduLength);
    expect(Number(said['association PDU, at most bytes'])).toBe(DEFAULT_LIMITS.maxAssociateBytes);
    expect(Number(said['command set, at most bytes'])).toBe(DEFAULT_LIMITS.maxCommandBytes);
    const seconds = Object.entries(said).flatMap(([key, value]) =>
      key.endsWith(', s') ? [Number(value) * 1000] : [],
    );
    expect(said['asynchronous operations: performed, invoked']).toBe(`${DEFAULT_ASYNC_WINDOW}, 1`);
    expect(Number(said['associations at the same time'])).toBe(DEFAULT_MAX_ASSOCIATIONS);
    expect(seconds).toEqual([DEFAULT_LIMITS.artimMs, DEFAULT_LIMITS.idleMs, DEFAULT_LIMITS.stallMs]);
  });

  // A record, so that a new reason does not compile without its row.
  const reasons: Record<QuarantineReason, true> = {
    'not-dicom': true,
    truncated: true,
    malformed: true,
    'too-deep': true,
    'unknown-transfer-syntax': true,
    'missing-uid': true,
    'bad-uid': true,
    'pixel-length': true,
    conflict: true,
  };
  const hex = (status: number) => status.toString(16).toUpperCase().padStart(4, '0');

  it('gives the status and comment that a sender gets', () => {
    const uids = { sopInstanceUid: '', sopClassUid: '', studyUid: '', seriesUid: '' };
    const outcomes: [string, IngestOutcome][] = [
      ...(['stored', 'duplicate'] as const).map((status): [string, IngestOutcome] => [
        status,
        { status, ...uids },
      ]),
      ...(Object.keys(reasons) as QuarantineReason[]).map((reason): [string, IngestOutcome] => [
        reason,
        { status: 'quarantined', id: '', reason, detail: '' },
      ]),
      ...(['disk-full', 'too-large', 'empty'] as const).map((reason): [string, IngestOutcome] => [
        reason,
        { status: 'refused', reason, detail: '' },
      ]),
    ];
    const given = outcomes.map(([name, outcome]) => {
      const { status, comment = '' } = answerTo(outcome);
      return [name, hex(status), comment];
    });
    const said = table('outcome', '### 3.6').map(([name, status, , comment]) => [name, status, comment]);
    expect(said.sort()).toEqual(given.sort());
    expect(
      table('reason', '### 8.5')
        .map(([reason]) => reason)
        .sort(),
    ).toEqual(Object.keys(reasons).sort());
  });

  it('gives the failure reasons of STOW-RS, the same codes as by C-STORE', () => {
    const said = table('outcome', '### 4.3').flatMap(([names = '', code]) =>
      names.split(', ').map((name) => [name, code]),
    );
    const failures: Failure[] = [
      ...(Object.keys(reasons) as QuarantineReason[]),
      'disk-full',
      'too-large',
      'empty',
      'part of another type',
      'bulk-missing',
    ];
    expect(said.sort()).toEqual(failures.map((name) => [name, hex(FAILURE[name])]).sort());
    const byDimse = new Map(table('outcome', '### 3.6').map(([name, code]) => [name, code]));
    for (const [name, code] of said) expect(byDimse.get(name) ?? code).toBe(code);
  });

  it('lists the routes of DICOMweb', () => {
    const said = table('method', '### 4.2').map((row) => row.slice(0, 3));
    expect(said).toEqual(dicomwebRoutes.map(({ method, url, needs }) => [method, url, needs]));
  });

  it('lists the routes of the worklist, and who may use them', () => {
    const said = table('method', '### 4.8').map((row) => row.slice(0, 3));
    expect(said).toEqual(upsRoutes.map(({ method, url, needs }) => [method, url, needs]));
    const rights = pairs(table('rights', '### 4.8'));
    for (const [need, roles] of Object.entries(UPS_ACCESS)) expect(rights[need]).toBe(roles.join(', '));
  });

  it('lists the keys of searches, and no others', () => {
    const levels = ['study', 'series', 'instance'] as const satisfies readonly Level[];
    const keywords = Object.values(TAG).flatMap((tag) => keywordOf(tag) ?? []);
    const given = [...new Set(keywords)].flatMap((keyword) => {
      const level = levels.find((each) => isKey(each, keyword));
      return level ? [`${keyword} ${level}`] : [];
    });
    const said = table('keyword', '### 4.4').map(([keyword, level]) => `${keyword} ${level}`);
    expect(said.sort()).toEqual(given.sort());
  });

  it('lists transfer syntaxes, and those that are decoded', () => {
    const said = table('transfer syntax UID').map((row) => row.slice(0, 4));
    expect(said).toEqual(
      [...TRANSFER_SYNTAXES.values()].map(({ uid, name }) => [
        uid,
        name,
        'yes',
        canDecode(uid) ? 'yes' : 'no',
      ]),
    );
  });

  it('lists the storage SOP classes', () => {
    expect(pairs(table('SOP class UID'))).toEqual(STORAGE_SOP_CLASSES);
  });
});
