/**
 * Key Object Selection Document: PS3.3 A.35.4, PS3.16 TID 2010.
 *
 *     keyObjects({
 *       study, equipment, at: signedAt, timeZone: 'Europe/Paris', language: 'fr',
 *       observer: { person: 'Martin^Claire', organisation: 'Cabinet' },
 *       images: [image],                                   // ImageReference[]
 *       description: 'Images du compte rendu',
 *     });
 */
import { NegatoscopeError } from '../../errors.ts';
import { dataset } from '../builder.ts';
import { SOP_CLASS } from '../sopClasses.ts';
import type { DicomJson } from '../types.ts';
import { languageItem, observerItems, type Observer } from './sr.ts';
import { container, DCM, dicomTime, image, text, type ImageReference } from './srContent.ts';
import { codingSchemes, evidenceItems, headOf, type MadeObject } from './srDocument.ts';

export interface KeyObjects extends MadeObject {
  language: string;
  observer: Observer;
  images: readonly ImageReference[];
  /** A sentence to them; may be empty. */
  description?: string;
}

/** Throws `key-objects-empty` without an image: the template wants one. */
export function keyObjects(document: KeyObjects): DicomJson {
  if (document.images.length === 0)
    throw new NegatoscopeError('key-objects-empty', 'A key object selection needs an image', { status: 500 });
  const { date, time } = dicomTime(document.at, document.timeZone);
  const content = container(
    null,
    DCM('113000', 'Of Interest'),
    [
      languageItem(document.language),
      ...observerItems(document.observer),
      ...(document.description
        ? [text('CONTAINS', DCM('113012', 'Key Object Description'), document.description)]
        : []),
      ...document.images.map((reference) => image('CONTAINS', null, reference)),
    ],
    '2010',
  );
  return {
    ...dataset({
      ...headOf(document, 'KO', SOP_CLASS.KeyObjectSelectionDocumentStorage),
      ReferencedPerformedProcedureStepSequence: [],
      InstanceNumber: 1,
      ContentDate: date,
      ContentTime: time,
      CurrentRequestedProcedureEvidenceSequence: evidenceItems(content.images),
      ...codingSchemes(content.json),
    }),
    ...content.json,
  };
}
