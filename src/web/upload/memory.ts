/**
 * Which files were sent, over a reload of the page: dropped again, they are not sent again. Kept as digests of path, size and
 * time, since names of files may be names of patients; and the server is asked whether the image is still there, so that
 * nothing is skipped that was deleted since.
 */
import type { UploadResult } from '../../doors/api/contract.ts';
import { api } from '../api.ts';

const STORE = 'negatoscope.sent';
/** Remembered at most, and so long, ms. */
const MAX = 20_000;
const KEEP_MS = 7 * 86_400_000;

type Sent = Extract<UploadResult, { status: 'stored' | 'duplicate' }>;
interface Entry {
  /** SOP Instance UID. */
  uid: string;
  study: string;
  at: number;
}
let entries: Map<string, Entry> | undefined;
let saving = false;

/** 53 bits are enough to tell files of one browser apart; the server has the last word. */
export function keyOf(path: string, { size, lastModified }: { size: number; lastModified: number }): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (const char of `${path}|${size}|${lastModified}`) {
    const code = char.codePointAt(0)!;
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}

function load(): Map<string, Entry> {
  if (entries) return entries;
  entries = new Map();
  try {
    const stored = JSON.parse(localStorage.getItem(STORE) ?? '[]') as [string, Entry][];
    for (const [key, entry] of stored) if (entry.at > Date.now() - KEEP_MS) entries.set(key, entry);
  } catch {
    // Storage is switched off, or holds something else: everything is sent.
  }
  return entries;
}

export function rememberSent(key: string, { sopInstanceUid, studyUid }: Sent): void {
  const all = load();
  all.set(key, { uid: sopInstanceUid, study: studyUid, at: Date.now() });
  for (const oldest of all.keys()) {
    if (all.size <= MAX) break;
    all.delete(oldest);
  }
  if (saving) return;
  saving = true;
  setTimeout(() => {
    saving = false;
    try {
      localStorage.setItem(STORE, JSON.stringify([...all]));
    } catch {
      // Full or switched off: the files would be sent once more, and recognised by the server.
    }
  }, 1000);
}

/** What the server answered when this file was sent, if the image is still there. */
export async function isHere(key: string): Promise<UploadResult | undefined> {
  const entry = load().get(key);
  if (!entry) return undefined;
  const here = await api<{ here: boolean }>(`/upload/here/${entry.uid}`).catch(() => ({ here: false }));
  return here.here ? { status: 'duplicate', studyUid: entry.study, sopInstanceUid: entry.uid } : undefined;
}
