/** Data sets as answers: DICOM JSON (PS3.18 F) or, one a part, the Native DICOM Model in XML (PS3.18 8.7.3.2, PS3.19 A.1). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type DicomJson, hexTag, type Tag, toXml, type VR } from '../../dicom/index.ts';
import { multipartWriter } from '../../wire/multipart.ts';
import { acceptedOf, covers, JSON_TYPES, notAcceptable } from './accept.ts';
import { sendChunks } from './send.ts';

export const XML_TYPE = 'application/dicom+xml';

/** JSON unless the client prefers XML; throws `not-acceptable` (406). */
export function negotiateDataSets(request: FastifyRequest): string {
  for (const { outer, type } of acceptedOf(request)) {
    const json = JSON_TYPES.find((each) => covers(outer, each));
    if (json) return json;
    if ((outer === 'multipart/related' && covers(type, XML_TYPE)) || outer === XML_TYPE) return XML_TYPE;
  }
  throw notAcceptable([...JSON_TYPES, `multipart/related; type="${XML_TYPE}"`].join(', '));
}

/** 204 without any: a multipart has at least one part (RFC 2046 5.1.1). */
export async function sendXml(
  reply: FastifyReply,
  datasets: AsyncIterable<DicomJson> | Iterable<DicomJson>,
): Promise<FastifyReply> {
  const writer = multipartWriter();
  const parts = (async function* () {
    let any = false;
    for await (const dataset of datasets) {
      any = true;
      yield writer.part({ 'Content-Type': `${XML_TYPE}; charset=utf-8` });
      yield Buffer.from(toXml(dataset));
    }
    if (any) yield writer.end();
  })();
  const first = await parts.next();
  if (first.done) return reply.code(204).send();
  async function* whole() {
    yield first.value as Buffer;
    yield* parts;
  }
  return sendChunks(reply.type(writer.contentType(XML_TYPE)), whole());
}

export type Attribute = readonly [tag: Tag, vr: VR, values: readonly unknown[]];
const isFilled = (value: unknown): boolean => value !== '' && value !== null && value !== undefined;

/** In the order of tags. Return keys stand in the answer also when they are empty: PS3.18 10.6.3.3. */
export const dataSet = (attributes: readonly Attribute[]): DicomJson =>
  Object.fromEntries(
    [...attributes]
      .sort(([a], [b]) => a - b)
      .map(([tag, vr, values]) => {
        const filled = values.filter(isFilled);
        return [hexTag(tag), filled.length > 0 ? { vr, Value: filled } : { vr }];
      }),
  );

const heads = new Map<Tag, string>();
/** The text of `dataSet`, made without it: a page is some thousand attributes. `attributes` in the order of tags. */
export function dataSetText(attributes: readonly Attribute[]): string {
  let text = '';
  for (const [tag, vr, values] of attributes) {
    let head = heads.get(tag);
    if (head === undefined) heads.set(tag, (head = `"${hexTag(tag)}":{"vr":"${vr}"`));
    let filled = '';
    for (const value of values) {
      if (!isFilled(value)) continue;
      filled += (filled === '' ? '' : ',') + JSON.stringify(value);
    }
    text += (text === '' ? '{' : ',') + head + (filled === '' ? '}' : `,"Value":[${filled}]}`);
  }
  return text === '' ? '{}' : `${text}}`;
}
