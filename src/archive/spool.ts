/** Bytes that wait until what belongs to them has come: in memory while they are few, else in a file beside. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError } from '../errors.ts';
import type { Store } from '../store/types.ts';
import type { Archive, Spooled } from './types.ts';

/** Of one value; a request may bring many, so it is little. */
const IN_MEMORY = 64 * 1024;

/** What a crash leaves in `staging/` is removed when the store opens. */
export function createSpool(
  { dir }: Pick<Store, 'dir'>,
  { maxBytes }: { maxBytes: number },
): Archive['spool'] {
  return async (body): Promise<Spooled> => {
    const path = join(dir, 'staging', `spool-${randomUUID()}`);
    const held: Buffer[] = [];
    let file: Awaited<ReturnType<typeof open>> | undefined;
    let length = 0;
    const discard = async (): Promise<void> => {
      if (file) await rm(path, { force: true });
    };
    try {
      for await (const chunk of body) {
        length += chunk.length;
        if (length > maxBytes)
          throw new NegatoscopeError('too-large', `An instance may have ${maxBytes} bytes.`, { status: 413 });
        if (!file && length <= IN_MEMORY) {
          held.push(Buffer.from(chunk));
          continue;
        }
        if (!file) {
          file = await open(path, 'wx', 0o600);
          for (const part of held.splice(0)) await file.writeFile(part);
        }
        await file.writeFile(chunk);
      }
      await file?.close();
    } catch (thrown) {
      await file?.close().catch(() => undefined);
      await discard();
      throw thrown;
    }
    return {
      length,
      chunks: () => (file ? createReadStream(path, { highWaterMark: 1024 * 1024 }) : from(held)),
      discard,
    };
  };
}

async function* from(held: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* held;
}
