/** The Native DICOM Model (PS3.19 A.1) → DICOM JSON Model. Reads what the model has, and no document type: no entity but XML's own. */
import { DicomError, hexTag } from './errors.ts';
import { isVrText } from './reader.ts';
import type { DicomJson, JsonAttribute } from './types.ts';

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  text: string;
}

const MAX_DEPTH = 64;
const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([\w:.-]+)\s*>|<([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NUMBERS = new Set(['DS', 'IS', 'FL', 'FD', 'SL', 'SS', 'UL', 'US']);

const malformed = (message: string): DicomError => new DicomError('malformed', message);
const local = (name: string): string => name.slice(name.indexOf(':') + 1);

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));?/g, (whole, decimal, hex, name) => {
    if (name !== undefined) {
      const known = NAMED[name as string];
      if (known === undefined || !whole.endsWith(';')) throw malformed('An entity that XML does not have');
      return known;
    }
    const code = decimal !== undefined ? Number(decimal) : parseInt(hex as string, 16);
    if (!(code > 0 && code <= 0x10ffff)) throw malformed('A character that XML does not have');
    return String.fromCodePoint(code);
  });
}

/**
 * One document with a `NativeDicomModel`. Values are as JSON has them: numbers where the VR is one of numbers.
 * Throws DicomError `malformed`, `too-deep`.
 */
export function fromXml(text: string): DicomJson {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open: Element[] = [root];
  TOKEN.lastIndex = 0;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw malformed('The XML cannot be read');
    at = TOKEN.lastIndex;
    const [, cdata, closing, opening, attributes = '', empty, plain] = match;
    const inside = open.at(-1)!;
    if (cdata !== undefined) inside.text += cdata;
    else if (plain !== undefined) inside.text += unescaped(plain.replace(/\r\n?/g, '\n'));
    else if (closing !== undefined) {
      if (open.length < 2 || inside.name !== local(closing))
        throw malformed('The elements of the XML are not nested');
      open.pop();
    } else if (opening !== undefined) {
      const element: Element = { name: local(opening), attributes: {}, children: [], text: '' };
      for (const [, name = '', double, single] of attributes.matchAll(ATTRIBUTE))
        element.attributes[local(name)] = unescaped(double ?? single ?? '');
      inside.children.push(element);
      if (empty === '') open.push(element);
      if (open.length > 2 * MAX_DEPTH + 8)
        throw new DicomError('too-deep', `Sequences nested deeper than ${MAX_DEPTH}`);
    }
  }
  const [model] = root.children;
  if (open.length > 1 || model?.name !== 'NativeDicomModel')
    throw malformed('The XML is no Native DICOM Model');
  return dataSet(model);
}

function dataSet(model: Element): DicomJson {
  const json: DicomJson = {};
  for (const { name, attributes, children } of model.children) {
    if (name !== 'DicomAttribute') continue;
    const { tag = '', vr = '', privateCreator } = attributes;
    if (!/^[\da-fA-F]{8}$/.test(tag)) throw malformed('An attribute without a tag');
    if (!isVrText(vr)) throw malformed('An attribute without a value representation');
    let number = parseInt(tag, 16);
    if (privateCreator !== undefined) {
      number = inBlock(json, number, privateCreator);
    }
    json[hexTag(number)] = attribute(vr, children);
  }
  return json;
}

/** The tag within the block of its creator: the one that is reserved for it, else the next that is free (PS3.19 A.1.5). */
function inBlock(json: DicomJson, tag: number, creator: string): number {
  const group = tag - (tag % 0x10000);
  let free: number | undefined;
  for (let block = 0x10; block <= 0xff; block++) {
    const reserved = json[hexTag(group + block)];
    if (reserved === undefined) free ??= block;
    else if (reserved.Value?.[0] === creator) return group + block * 0x100 + (tag & 0xff);
  }
  if (free !== undefined) {
    json[hexTag(group + free)] = { vr: 'LO', Value: [creator] };
    return group + free * 0x100 + (tag & 0xff);
  }
  throw malformed('Too many private creators in a group');
}

function attribute(vr: string, children: readonly Element[]): JsonAttribute {
  const [first] = children;
  if (first?.name === 'BulkData')
    return { vr, BulkDataURI: first.attributes.uri ?? first.attributes.uuid ?? '' };
  if (first?.name === 'InlineBinary') return { vr, InlineBinary: first.text.replace(/\s+/g, '') };
  const values: unknown[] = [];
  for (const [i, child] of children.entries()) {
    const at = Number(child.attributes.number ?? i + 1) - 1;
    if (!(at >= 0 && at < 1_000_000) || at > children.length + 1_000)
      throw malformed('A value with a wrong number');
    while (values.length < at) values.push(null); // left out: empty
    values[at] = valueOf(vr, child);
  }
  return values.length > 0 ? { vr, Value: values } : { vr };
}

function valueOf(vr: string, element: Element): unknown {
  if (element.name === 'Item') return dataSet(element);
  if (element.name === 'PersonName') {
    const group = (name: string): [string, string][] => {
      const found = element.children.find((child) => child.name === name);
      if (!found) return [];
      const part = (key: string) => found.children.find((child) => child.name === key)?.text ?? '';
      const names = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'].map(part);
      return [[name, names.join('^').replace(/\^+$/, '')]];
    };
    return Object.fromEntries(['Alphabetic', 'Ideographic', 'Phonetic'].flatMap(group));
  }
  const { text } = element;
  if (text === '') return null;
  return NUMBERS.has(vr) && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
