/** Structured reports of any template as a tree that can be read: PS3.3 C.17.3, C.18. Pure. */
import { items, numbers, text, type Metadata } from '../viewer/loading/dicomweb.ts';

export interface Code {
  value: string;
  scheme: string;
  meaning: string;
}
export interface SrReference {
  sopClassUid: string;
  sopInstanceUid: string;
  frames: number[];
}
export interface SrNode {
  /** `1.2.3` from the root on: unique, and what by-reference relationships name. */
  id: string;
  /** CONTAINER, TEXT, CODE, NUM, IMAGE, …; '' for a relationship by reference. */
  type: string;
  /** CONTAINS, HAS PROPERTIES, INFERRED FROM, …; '' for the root. */
  relationship: string;
  name: Code | undefined;
  /** As it can be read: text, meaning of a code, number, date, person, UID. */
  value: string;
  /** Code of a CODE, or why a NUM has no value. */
  code: Code | undefined;
  unit: Code | undefined;
  references: SrReference[];
  /** SCOORD, SCOORD3D: graphic type and its points; TCOORD: range type. */
  graphic: { type: string; points: number[] } | undefined;
  /** Of a relationship by reference: the id of the node that is meant. */
  to: string | undefined;
  children: SrNode[];
}

/** Deeper is an attack, or not to be read. */
const MAX_DEPTH = 64;

export const codeOf = (item: Metadata | undefined): Code | undefined => {
  if (!item) return undefined;
  // Long and URN codes have attributes of their own (PS3.3 8.1).
  const value = text(item, '00080100') ?? text(item, '00080119') ?? text(item, '00080120') ?? '';
  const meaning = text(item, '00080104') ?? '';
  return value || meaning ? { value, scheme: text(item, '00080102') ?? '', meaning } : undefined;
};

export function srTree(data: Metadata, relationship = '', id = '1', depth = 0): SrNode {
  const type = text(data, '0040A040') ?? '';
  const node: SrNode = {
    id,
    type,
    relationship,
    name: codeOf(items(data, '0040A043')[0]),
    value: '',
    code: undefined,
    unit: undefined,
    references: [],
    graphic: undefined,
    to: undefined,
    children: [],
  };
  Object.assign(node, contentOf(type, data));
  const to = numbers(data, '0040DB73');
  if (to.length) node.to = to.join('.');
  if (depth < MAX_DEPTH)
    node.children = items(data, '0040A730').map((item, index) =>
      srTree(item, text(item, '0040A010') ?? '', `${id}.${index + 1}`, depth + 1),
    );
  return node;
}

function contentOf(type: string, data: Metadata): Partial<SrNode> {
  switch (type) {
    case 'TEXT':
      return { value: text(data, '0040A160') ?? '' };
    case 'CODE': {
      const code = codeOf(items(data, '0040A168')[0]);
      return { value: code?.meaning || code?.value || '', code };
    }
    case 'NUM': {
      const measured = items(data, '0040A300')[0];
      const floating = measured && text(measured, '0040A161');
      const value = (measured && text(measured, '0040A30A')) ?? floating ?? '';
      const qualifier = codeOf(items(data, '0040A301')[0]);
      return {
        value: value || qualifier?.meaning || '',
        unit: codeOf(measured && items(measured, '004008EA')[0]),
        ...(value ? {} : { code: qualifier }),
      };
    }
    case 'PNAME':
      return { value: personOf(data['0040A123']?.Value?.[0]) };
    case 'DATE':
      return { value: text(data, '0040A121') ?? '' };
    case 'TIME':
      return { value: text(data, '0040A122') ?? '' };
    case 'DATETIME':
      return { value: text(data, '0040A120') ?? '' };
    case 'UIDREF':
      return { value: text(data, '0040A124') ?? '' };
    case 'IMAGE':
    case 'COMPOSITE':
    case 'WAVEFORM':
      return { references: referencesOf(data) };
    case 'SCOORD':
    case 'SCOORD3D':
      return { graphic: { type: text(data, '00700023') ?? '', points: numbers(data, '00700022') } };
    case 'TCOORD':
      return { graphic: { type: text(data, '0040A130') ?? '', points: numbers(data, '0040A138') } };
    default:
      return {};
  }
}

const personOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? String(Object.values(value)[0] ?? '') : String(value ?? '');

export const referencesOf = (data: Metadata): SrReference[] =>
  items(data, '00081199').map((item) => ({
    sopClassUid: text(item, '00081150') ?? '',
    sopInstanceUid: text(item, '00081155') ?? '',
    frames: numbers(item, '00081160'),
  }));

/** The images that a document names anywhere, each once, in its order. */
export function imagesOf(node: SrNode): SrReference[] {
  const seen = new Set<string>();
  const found: SrReference[] = [];
  const visit = (each: SrNode) => {
    for (const reference of each.references) {
      const key = `${reference.sopInstanceUid}/${reference.frames.join()}`;
      if (seen.has(key)) continue;
      seen.add(key);
      found.push(reference);
    }
    each.children.forEach(visit);
  };
  visit(node);
  return found;
}

/** Who or what made a result: PS3.16 TID 1001 to 1004, 4019, and the equipment of the header. */
export interface Origin {
  /** Algorithm, else model of the device, else manufacturer. */
  name: string;
  version: string;
  /** Person observer, content creator. */
  person: string;
  manufacturer: string;
}

export function originOf(data: Metadata): Origin {
  const origin = { name: '', version: '', person: '' };
  const visit = (node: SrNode) => {
    const code = node.name && `${node.name.value} ${node.name.scheme}`;
    if (code === '111001 DCM') origin.name ||= node.value;
    if (code === '111003 DCM') origin.version ||= node.value;
    if (code === '121008 DCM') origin.person ||= node.value;
    // Device Observer Name counts when no algorithm is named.
    if (code === '121013 DCM') device ||= node.value;
    node.children.forEach(visit);
  };
  let device = '';
  if (data['0040A730']) visit(srTree(data));
  const segment = items(data, '00620002')[0];
  const algorithm = segment && items(segment, '00620007')[0];
  const manufacturer = text(data, '00080070') ?? '';
  return {
    name:
      origin.name ||
      (segment && text(segment, '00620009')) ||
      (algorithm && text(algorithm, '00660036')) ||
      device ||
      text(data, '00081090') ||
      manufacturer,
    version:
      origin.version ||
      (algorithm && text(algorithm, '00660031')) ||
      (data['00181020']?.Value ?? []).map(String).join(', '),
    person: origin.person || personOf(data['00700084']?.Value?.[0]),
    manufacturer,
  };
}

/**
 * Whether a machine found it or a person: segments say how they were made (PS3.3 C.8.20.2), reports name an algorithm or an
 * observer (PS3.16 TID 1001 to 1004, 4019). `unknown`: nothing says so.
 */
export function makerOf(data: Metadata): 'machine' | 'person' | 'unknown' {
  const segments = items(data, '00620002').map((item) => text(item, '00620008'));
  if (segments.includes('AUTOMATIC')) return 'machine';
  if (segments.some((by) => by === 'MANUAL' || by === 'SEMIAUTOMATIC')) return 'person';
  const content = data['0040A730'] ? everyItem(srTree(data)) : [];
  const says = (value: string) => content.find(({ name }) => name?.value === value && name.scheme === 'DCM');
  if (says('111001')) return 'machine';
  if (says('121005')?.code?.value === '121007') return 'machine';
  return originOf(data).person ? 'person' : 'unknown';
}
const everyItem = (node: SrNode): SrNode[] => [node, ...node.children.flatMap(everyItem)];
