/** The archive as a source of images, by SOP Instance UID: originals alone, nothing that AI made. */
import { SEES_NO_AI } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { wholeFile } from '../assist/wholeFile.ts';
import { NegatoscopeError } from '../errors.ts';
import type { ImageSource } from './types.ts';

/** Larger files are refused before they are read: no radiograph comes near. */
const MAX_BYTES = 512 * 1024 * 1024;

export const archiveSource = (archive: Pick<Archive, 'instance' | 'file'>): ImageSource => ({
  names: [],
  async find(image) {
    if (!/^[\d.]{1,64}$/.test(image)) return [];
    const instance = await archive.instance(image, SEES_NO_AI);
    if (instance?.kind !== 'image') return [];
    return [
      {
        name: image,
        async read() {
          if (instance.size > MAX_BYTES)
            throw new NegatoscopeError('pixels-undecodable', `larger than ${MAX_BYTES / 1024 ** 2} MB`);
          return wholeFile(archive, image, SEES_NO_AI);
        },
      },
    ];
  },
});
