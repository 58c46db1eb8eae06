/** The archive as a source of images, by SOP Instance UID: originals alone, nothing that AI made. */
import { SEES_NO_AI } from '../archive/types.ts';
import type { Archive } from '../archive/types.ts';
import { wholeFile } from '../assist/wholeFile.ts';
import { mustBeReadable } from './picture.ts';
import type { ImageSource } from './types.ts';

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
          mustBeReadable(instance.size);
          return wholeFile(archive, image, SEES_NO_AI);
        },
      },
    ];
  },
});
