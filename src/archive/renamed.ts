/** An instance under a new SOP Instance UID, which says what it was before: PS3.3 C.12.1.1.9 (Original Attributes). */
import { pipeline, Readable } from 'node:stream';
import { createDeflateRaw } from 'node:zlib';
import {
  dataset as attributes,
  type DicomJson,
  elementHeader,
  fileMeta,
  hexTag,
  IMPLICIT_LE,
  rewrite,
  TAG,
  toJson,
  transferSyntax as syntaxOf,
  UNDEFINED_LENGTH,
} from '../dicom/index.ts';
import { NegatoscopeError } from '../errors.ts';
import { parsedSource, readHeader, type Source } from './source.ts';

/** `now`: ms UTC. Throws DicomError, and `not-convertible` (422) for big endian, which is retired and not written. */
export async function renamed(source: Source, sopInstanceUid: string, now: number): Promise<Readable> {
  let file = await readHeader(source);
  if (file.stoppedAt && file.stoppedAt.tag <= TAG.OriginalAttributesSequence)
    file = await readHeader(source, Infinity);
  const { dataset, transferSyntax } = file;
  const syntax = syntaxOf(transferSyntax);
  if (syntax?.bigEndian) {
    throw new NegatoscopeError('not-convertible', 'An instance in big endian cannot be written again.', {
      status: 422,
    });
  }
  const before = dataset.string(TAG.SOPInstanceUID) ?? '';
  const at = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14);
  const [[key, sequence]] = Object.entries(
    attributes({
      OriginalAttributesSequence: [
        {
          SourceOfPreviousValues: null,
          AttributeModificationDateTime: `${at}+0000`,
          ModifyingSystem: 'NEGATOSCOPE',
          ReasonForTheAttributeModification: 'COERCE',
          ModifiedAttributesSequence: [{ SOPInstanceUID: before }],
        },
      ],
    }),
  ) as [[string, DicomJson[string]]];
  const earlier = (toJson(dataset)[key]?.Value ?? []) as DicomJson[];
  const changes: DicomJson = {
    [hexTag(TAG.SOPInstanceUID)]: { vr: 'UI', Value: [sopInstanceUid] },
    [key]: { vr: 'SQ', Value: [...earlier, ...((sequence?.Value ?? []) as DicomJson[])] },
  };
  const place = file.pixelData ?? file.stoppedAt;
  const head = rewrite(dataset, { transferSyntax, changes, ...(place ? { before: place.tag } : {}) });
  const parsed = parsedSource(source, transferSyntax, file.datasetOffset);
  const body = async function* () {
    yield head;
    if (!place) return;
    const length = place.encapsulated ? UNDEFINED_LENGTH : place.length;
    yield elementHeader(place.tag, place.vr, length, transferSyntax !== IMPLICIT_LE);
    yield* await parsed.stream(place.offset);
  };
  const meta = fileMeta({
    sopClassUid: dataset.string(TAG.SOPClassUID) ?? '',
    sopInstanceUid,
    transferSyntax,
  });
  const data = Readable.from(body(), { objectMode: false });
  const written = syntax?.deflated ? pipeline(data, createDeflateRaw(), () => undefined) : data;
  return Readable.from(
    (async function* () {
      yield meta;
      yield* written as AsyncIterable<Uint8Array>;
    })(),
    { objectMode: false },
  );
}
