/** Whether a folder can be watched, and what is in it: asked before it is. */
import { access, constants, open, realpath, stat, statfs } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import type { FolderForm } from '../../archive/index.ts';
import type { FolderTrial } from '../api/contract.ts';
import { sniff, SNIFF_BYTES } from '../upload/sniff.ts';
import { walk } from './walk.ts';

/** Files that are counted, those that are opened to see what they are, and the time for both. */
const COUNTED = 10_000;
const OPENED = 50;
const LOOK_MS = 2_000;

/** f_type of Linux, statfs(2): NFS, SMB, CIFS, SMB2, AFS, Ceph, 9P, and what is mounted by a program (FUSE: sshfs, rclone). */
const SHARES = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x01021997, 0x65735546,
]);

const inside = (path: string, folder: string): boolean =>
  `${path}${sep}`.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
const overlap = (one: string, other: string): boolean => inside(one, other) || inside(other, one);
/** Where it is in truth; the path as given where it is not there. */
const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

/** Never throws: what is wrong is the result. */
export async function checkFolder(
  { path, after }: FolderForm,
  { dataDir, others }: { dataDir: string; others: readonly string[] },
): Promise<FolderTrial> {
  const none = { files: 0, more: false, images: 0, share: false };
  const wrong = (code: FolderTrial['code']): FolderTrial => ({ ok: false, code, ...none });
  if (!isAbsolute(path) || path.includes('\0')) return wrong('not-absolute');
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => thrown);
  if (found instanceof Error) return wrong(found.code === 'EACCES' ? 'unreadable' : 'absent');
  if (!found.isDirectory()) return wrong('not-a-folder');
  const place = await real(path);
  // Watched, the archive's own files would be taken in, moved or deleted.
  if (overlap(place, await real(dataDir))) return wrong('inside-data');
  for (const other of others) if (overlap(place, await real(other))) return wrong('watched-already');
  const may = (mode: number) =>
    access(path, mode).then(
      () => true,
      () => false,
    );
  if (!(await may(constants.R_OK | constants.X_OK))) return wrong('unreadable');
  if (after !== 'leave' && !(await may(constants.W_OK))) return wrong('read-only');
  const share = await statfs(path).then(
    ({ type }) => SHARES.has(type),
    () => false,
  );
  return { ok: true, code: 'ok', ...(await contents(path)), share };
}

/** How many files there are, and how many of the first look like images. */
async function contents(path: string): Promise<{ files: number; more: boolean; images: number }> {
  const until = performance.now() + LOOK_MS;
  let files = 0;
  let images = 0;
  for await (const file of walk([path], { failed: () => {} })) {
    if (files === COUNTED || performance.now() > until) return { files, more: true, images };
    files++;
    if (files <= OPENED && (await isImage(file.path, file.label))) images++;
  }
  return { files, more: false, images };
}

async function isImage(path: Buffer, label: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const head = Buffer.alloc(SNIFF_BYTES);
    const { bytesRead } = await file.read(head, 0, SNIFF_BYTES, 0);
    return ['dicom', 'zip', 'dicomdir'].includes(sniff(head.subarray(0, bytesRead), label));
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
