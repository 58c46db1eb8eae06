/** The Native DICOM Model of PS3.19 A.1, made from the DICOM JSON Model: what `application/dicom+xml` carries. */
import { keywordOf } from './dictionary.ts';
import { hexTag } from './errors.ts';
import { personText } from './json.ts';
import type { DicomJson, JsonAttribute, Tag } from './types.ts';

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
  '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">';
const GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;
/** In the order of a name's components: PS3.5 6.2.1.1. */
const COMPONENTS = ['FamilyName', 'GivenName', 'MiddleName', 'NamePrefix', 'NameSuffix'] as const;

/**
 * One data set as a document, text in UTF-8 (Specific Character Set of the JSON model is ISO_IR 192 already). `bulkDataUri` makes
 * the address of a BulkDataURI; as given without it. What XML 1.0 cannot hold (control characters) becomes U+FFFD.
 */
export function toXml(json: DicomJson, bulkDataUri: (uri: string) => string = (uri) => uri): string {
  return `${HEAD}${attributes(json, bulkDataUri)}</NativeDicomModel>`;
}

function attributes(json: DicomJson, bulkDataUri: (uri: string) => string): string {
  let xml = '';
  for (const key of Object.keys(json).sort()) {
    const attribute = json[key]!;
    xml += `<DicomAttribute ${named(json, parseInt(key, 16) as Tag)} vr="${escaped(attribute.vr)}">`;
    xml += content(attribute, bulkDataUri);
    xml += '</DicomAttribute>';
  }
  return xml;
}

/** Private elements are named by their creator, the block that it reserved is left out: PS3.19 A.1.5. */
function named(json: DicomJson, tag: Tag): string {
  const element = tag & 0xffff;
  if ((tag >>> 16) % 2 === 0 || element < 0x1000) {
    const keyword = keywordOf(tag);
    return `tag="${hexTag(tag)}"${keyword === undefined ? '' : ` keyword="${keyword}"`}`;
  }
  const creator = json[hexTag((((tag & 0xffff0000) >>> 0) + (element >>> 8)) as Tag)]?.Value?.[0];
  return typeof creator === 'string'
    ? `tag="${hexTag(((tag & 0xffff00ff) >>> 0) as Tag)}" privateCreator="${escaped(creator)}"`
    : `tag="${hexTag(tag)}"`;
}

function content(attribute: JsonAttribute, bulkDataUri: (uri: string) => string): string {
  if (attribute.BulkDataURI !== undefined)
    return `<BulkData uri="${escaped(bulkDataUri(attribute.BulkDataURI))}"/>`;
  if (attribute.InlineBinary !== undefined) return `<InlineBinary>${attribute.InlineBinary}</InlineBinary>`;
  let xml = '';
  for (const [index, value] of (attribute.Value ?? []).entries()) {
    const number = `number="${index + 1}"`;
    if (attribute.vr === 'SQ')
      xml += `<Item ${number}>${attributes((value ?? {}) as DicomJson, bulkDataUri)}</Item>`;
    else if (value === null) continue;
    else if (attribute.vr === 'PN') xml += `<PersonName ${number}>${person(personText(value))}</PersonName>`;
    else xml += `<Value ${number}>${escaped(String(value))}</Value>`;
  }
  return xml;
}

function person(text: string): string {
  let xml = '';
  for (const [index, group] of text.split('=').slice(0, GROUPS.length).entries()) {
    if (group === '') continue;
    const parts = group.split('^').slice(0, COMPONENTS.length);
    const inner = parts.map((part, i) =>
      part === '' ? '' : `<${COMPONENTS[i]}>${escaped(part)}</${COMPONENTS[i]}>`,
    );
    xml += `<${GROUPS[index]}>${inner.join('')}</${GROUPS[index]}>`;
  }
  return xml;
}

// A parser turns a bare CR into LF, and tabs and line ends in attributes into spaces: they go as references.
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
const SPECIAL = /[&<>"\t\n\r]/g;
/** Not a `Char` of XML 1.0. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(FORBIDDEN, '\ufffd')
    .replace(SPECIAL, (found) => REFERENCES[found]!);
