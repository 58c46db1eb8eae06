/** Facts about the installation that the doctor and the status page tell: room on the disk, the certificate, the backup. */
import { X509Certificate } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskRoom } from './doors/api/contract.ts';
import type { Rooms } from './rooms.ts';
import type { Store } from './store/types.ts';

const SAMPLES = 'site.disk';
const BACKUP = 'site.backup';
const DAY_MS = 86_400_000;
const KEPT_DAYS = 60;
/** What came in the last month says what will come in the next. */
const LOOKED_BACK_DAYS = 30;

type Samples = [day: number, free: number][];

/**
 * Days until less than `reserve` is free, and the bytes a day behind it, from one look at the disk a day (`samples`: day since
 * 1970, bytes free, the oldest first). Null where nothing can be said: fewer than two days, or no less than before.
 */
export function forecast(
  samples: Samples,
  reserve: number,
): { perDay: number | null; daysLeft: number | null } {
  const last = samples.at(-1);
  const first = last && samples.find(([day]) => day >= last[0] - LOOKED_BACK_DAYS);
  if (!first || first[0] === last[0]) return { perDay: null, daysLeft: null };
  const perDay = (first[1] - last[1]) / (last[0] - first[0]);
  return {
    perDay: Math.round(perDay),
    daysLeft: perDay > 0 ? Math.max(0, Math.floor((last[1] - reserve) / perDay)) : null,
  };
}

/** Looks at the disk, and keeps one look a day. */
export async function diskRoom({ store, config }: Pick<Rooms, 'store' | 'config'>): Promise<DiskRoom> {
  const { bavail, blocks, bsize } = await statfs(store.dir);
  const free = bavail * bsize;
  const reserve = config.minFreeMb * 1024 ** 2;
  const today = Math.floor(Date.now() / DAY_MS);
  const kept = await store.setting(SAMPLES);
  const samples: Samples = kept ? (JSON.parse(kept) as Samples) : [];
  if (samples.at(-1)?.[0] !== today) {
    samples.push([today, free]);
    await keep(store, samples.slice(-KEPT_DAYS));
  }
  const now: Samples = [...samples.slice(0, -1), [today, free]];
  return { free, size: blocks * bsize, reserve, ...forecast(now, reserve) };
}

/** A look less is no harm where nothing can be written. */
const keep = (store: Store, samples: Samples): Promise<void> =>
  store.setSetting(SAMPLES, JSON.stringify(samples)).catch(() => undefined);

/** When the certificate of this installation ends, ms UTC; null when it has none. */
export async function certificateEnds({ config }: Pick<Rooms, 'config'>): Promise<number | null> {
  const file = config.tlsCert ?? join(config.dir, 'tls', 'server.crt');
  try {
    return new Date(new X509Certificate(await readFile(file)).validTo).getTime();
  } catch {
    return null;
  }
}

export async function backupAt(store: Store): Promise<number | null> {
  const noted = await store.setting(BACKUP);
  return noted === undefined ? null : Number(noted);
}
export const noteBackup = (store: Store): Promise<void> => store.setSetting(BACKUP, String(Date.now()));
