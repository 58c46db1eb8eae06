import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../errors.ts';
import type { Anchor } from './chain.ts';
import { putSetting, settingOf } from './setting.ts';
import type { Db, Log, Tx } from './types.ts';

const SETTING = 'audit-anchor';
const PAUSE_MS = 250;

/**
 * Notes the last sealed position twice beside the chain: in the table `setting`, in the same transaction, and a moment later in
 * the file `audit-anchor`. A chain that was cut at its end verifies by itself; these tell.
 */
export function createAnchor(dir: string, log: Log) {
  const file = join(dir, 'audit-anchor');
  let latest: Anchor | undefined;
  let written: Anchor | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const writeFileNow = async (): Promise<void> => {
    if (!latest || latest === written) return;
    const anchor = latest;
    try {
      await writeFile(`${file}.new`, `${JSON.stringify(anchor)}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
      written = anchor;
    } catch (thrown) {
      log.warn({ reason: reasonOf(thrown) }, 'the audit anchor could not be written');
    }
  };
  const parse = (text: string | undefined): Anchor | undefined => {
    if (!text) return undefined;
    try {
      const { seq, hash } = JSON.parse(text) as Anchor;
      return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined;
    } catch {
      return undefined;
    }
  };
  const inTable = async (db: Db | Tx): Promise<Anchor | undefined> => parse(await settingOf(db, SETTING));

  return {
    inTable,
    /** In the transaction that seals. */
    async note(tx: Tx, anchor: Anchor): Promise<void> {
      await putSetting(tx, SETTING, JSON.stringify(anchor));
    },
    /** Once that transaction is durable. */
    sealed(anchor: Anchor): void {
      latest = anchor;
      timer ??= setTimeout(() => {
        timer = undefined;
        writing = writing.then(writeFileNow);
      }, PAUSE_MS).unref();
    },
    async known(db: Db): Promise<Anchor[]> {
      const inFile = parse(await readFile(file, 'utf8').catch(() => undefined));
      return [inFile, await inTable(db)].filter((a) => a !== undefined);
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      await writing.then(writeFileNow);
    },
  };
}
