/**
 * The upload queue: three files at a time, each with its progress and its result. Zip archives are opened here, so that each
 * file in them is sent, told and taken up again by itself. Photos, documents and films are held until the form has said whose
 * they are. A lost connection is waited out. State lives outside React, so that it survives a change of page.
 */
import { useSyncExternalStore } from 'react';
import type { AttachmentForm, StudyRow, UploadResult, Wrappable } from '../../doors/api/contract.ts';
import { ApiFailure, csrfHeader, failureFrom } from '../api.ts';
import { wrappableType } from './collect.ts';
import type { Picked } from './collect.ts';
import { isHere, keyOf, rememberSent } from './memory.ts';
import { isZip, unzip } from './unzip.ts';

const AT_ONCE = 3;
/** Pauses while the server does not answer, ms: each twice the one before, up to the last. */
const RETRY_MS = [1000, 30_000] as const;
/** A file that fails so often while the server answers is the fault of the file: it changed, or its disk is gone. */
const MAX_TRIES = 3;
/** The page hears of progress at most so often, ms: thousands of files report it many times a second. */
const EMIT_MS = 150;

export type ItemState =
  | { kind: 'waiting' }
  | { kind: 'sending'; sent: number }
  | { kind: 'form'; mediaType: Wrappable } // waits for the form
  | { kind: 'done'; result: UploadResult }
  | { kind: 'failed'; failure: ApiFailure };
export interface Item {
  readonly id: number;
  readonly path: string;
  /** Bytes, unpacked. */
  readonly size: number;
  /** The bytes; of an entry of an archive they are unpacked now. */
  readonly open: () => Promise<Blob>;
  /** How many archives it lies in. */
  readonly depth: number;
  /** Goes into this exam. */
  readonly into?: StudyRow;
  /** Knows the file again after a reload; null for what has no name of its own. */
  readonly key: string | null;
  readonly tries: number;
  readonly state: ItemState;
}
/** `lost`: the server does not answer, and is asked again; `signed-out`: nobody may send at the moment. */
export type Flow = 'running' | 'paused' | 'lost' | 'signed-out';

interface Snapshot {
  items: readonly Item[];
  flow: Flow;
}
let snapshot: Snapshot = { items: [], flow: 'running' };
let flow: Flow = 'running';
let count = 0;
let emitting = false;
const byId = new Map<number, Item>();
const waiting: number[] = [];
const active = new Map<number, AbortController>();
const listeners = new Set<() => void>();

function emit(): void {
  if (emitting) return;
  emitting = true;
  setTimeout(() => {
    emitting = false;
    snapshot = { items: [...byId.values()], flow };
    for (const listener of listeners) listener();
  }, EMIT_MS);
}
const put = (item: Item, change: Partial<Item>): Item => {
  const next = { ...item, ...change };
  if (byId.has(item.id)) byId.set(item.id, next);
  emit();
  return next;
};

export const useUploads = (): Snapshot =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => snapshot,
  );

const add = (item: Omit<Item, 'id' | 'tries' | 'state'>): void => {
  const id = ++count;
  byId.set(id, { ...item, id, tries: 0, state: { kind: 'waiting' } });
  waiting.push(id);
  emit();
  pump();
};

/** Puts files into the queue as they are found; `into` for photos, documents and films of an exam that is here. */
export async function enqueue(
  files: AsyncIterable<Picked> | Iterable<Picked>,
  into?: StudyRow,
): Promise<void> {
  for await (const { file, path } of files) {
    const key = keyOf(path, file);
    add({ path, size: file.size, open: async () => file, depth: 0, key, ...(into ? { into } : {}) });
  }
}

function pump(): void {
  while (flow === 'running' && active.size < AT_ONCE) {
    const id = waiting.shift();
    if (id === undefined) return;
    const item = byId.get(id);
    if (!item) continue;
    const control = new AbortController();
    active.set(id, control);
    void send(item, control.signal).finally(() => {
      active.delete(id);
      pump();
    });
  }
}

async function send(item: Item, signal: AbortSignal): Promise<void> {
  try {
    const blob = await item.open();
    const head = new Uint8Array(await blob.slice(0, 576).arrayBuffer());
    if (isZip(head, item.path)) return await expand(item, blob);
    const mediaType = wrappableType(head);
    if (mediaType) return void put(item, { state: { kind: 'form', mediaType } });
    const known = item.key === null ? undefined : await isHere(item.key);
    if (known) return void put(item, { state: { kind: 'done', result: known } });
    put(item, { state: { kind: 'sending', sent: 0 } });
    const result = await post(
      '/api/upload',
      blob,
      { 'x-file-name': encodeURIComponent(item.path) },
      signal,
      (sent) => put(item, { state: { kind: 'sending', sent } }),
    );
    if (result.status === 'needs-form') put(item, { state: { kind: 'form', mediaType: result.mediaType } });
    else settle(item, result);
  } catch (error) {
    failed(item, error, signal);
  }
}

/** An archive gives way to the files in it. */
async function expand(item: Item, blob: Blob): Promise<void> {
  if (item.depth > 1) throw new ApiFailure(0, 'zip-nested', 'Archives in archives in archives.');
  let found = 0;
  for await (const entry of unzip(blob)) {
    found++;
    // The list shows at once what is coming; a cancelled archive brings nothing more.
    if (!byId.has(item.id)) return;
    const path = `${item.path}/${entry.name}`;
    const { open, size } = entry;
    add({ path, size, open, depth: item.depth + 1, key: null, ...(item.into ? { into: item.into } : {}) });
  }
  if (found === 0)
    put(item, { state: { kind: 'done', result: { status: 'ignored', reason: 'not-an-image' } } });
  else forget([item]);
}

const settle = (item: Item, result: UploadResult): void => {
  put(item, { state: { kind: 'done', result } });
  if (item.key !== null && (result.status === 'stored' || result.status === 'duplicate'))
    rememberSent(item.key, result);
};

function failed(item: Item, error: unknown, signal: AbortSignal): void {
  const again = (tries: number): void => {
    put(item, { tries, state: { kind: 'waiting' } });
    waiting.unshift(item.id);
  };
  // Paused or cancelled: whoever did it has put the item where it belongs.
  if (signal.aborted) return again(item.tries);
  const failure = asFailure(error);
  if (failure.status === 401 || failure.status === 423) {
    again(item.tries);
    become('signed-out');
  } else if (failure.code === 'unreachable' && item.tries + 1 < MAX_TRIES) {
    again(item.tries + 1);
    void waitForServer();
  } else put(item, { state: { kind: 'failed', failure } });
}

function become(next: Flow): void {
  flow = next;
  emit();
  pump();
}

let asking = false;
/** Asks until the server answers, then goes on. A browser that comes online again is a reason to ask at once. */
async function waitForServer(): Promise<void> {
  if (asking) return;
  asking = true;
  if (flow === 'running') become('lost');
  for (let pause: number = RETRY_MS[0]; ; pause = Math.min(pause * 2, RETRY_MS[1])) {
    const answers = await fetch('/health', { cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) break;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      addEventListener('online', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
  asking = false;
  if (flow === 'lost') become('running');
}

/** What is under way is given up and sent anew on `resume`: the server keeps nothing of a file that did not come whole. */
export function pause(): void {
  become('paused');
  for (const control of active.values()) control.abort();
}
export const resume = (): void => become('running');
/** Drops what has not been sent. What was taken in stays. */
export function cancel(): void {
  for (const item of byId.values())
    if (item.state.kind === 'waiting' || item.state.kind === 'sending') byId.delete(item.id);
  waiting.length = 0;
  for (const control of active.values()) control.abort();
  become('running');
}

/** Sends photos, documents and films with one form into one exam. */
export async function sendWithForm(items: readonly Item[], form: AttachmentForm): Promise<void> {
  let studyUid = form.studyUid;
  const never = new AbortController().signal;
  for (const item of items) {
    put(item, { state: { kind: 'sending', sent: 0 } });
    try {
      const described = encodeURIComponent(JSON.stringify({ ...form, ...(studyUid ? { studyUid } : {}) }));
      const result = await post(
        '/api/attachments',
        await item.open(),
        { 'x-form': described },
        never,
        (sent) => put(item, { state: { kind: 'sending', sent } }),
      );
      if (result.status === 'stored' || result.status === 'duplicate') studyUid ??= result.studyUid;
      put(item, { state: { kind: 'done', result } });
    } catch (error) {
      put(item, { state: { kind: 'failed', failure: asFailure(error) } });
    }
  }
}

export function retry(item: Item): void {
  put(item, { tries: 0, state: { kind: 'waiting' } });
  waiting.push(item.id);
  pump();
}
export function forget(some: readonly Item[]): void {
  for (const { id } of some) byId.delete(id);
  emit();
}

const asFailure = (error: unknown): ApiFailure => {
  if (error instanceof ApiFailure) return error;
  const { code, message } = error as { code?: unknown; message?: string };
  return typeof code === 'string'
    ? new ApiFailure(0, code, message ?? '')
    : new ApiFailure(0, 'file-unreadable', 'The file cannot be read.');
};

/** `fetch` cannot say how much was sent; XMLHttpRequest can. */
function post(
  url: string,
  body: Blob,
  headers: Record<string, string>,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<UploadResult> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    const all = { 'content-type': 'application/octet-stream', ...headers, ...csrfHeader() };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onload = () => {
      if (request.status < 300) {
        resolve(JSON.parse(request.responseText) as UploadResult);
        return;
      }
      // Kept aside or refused is an answer about this file, whatever its status.
      try {
        const answer = JSON.parse(request.responseText) as Partial<UploadResult>;
        if (typeof answer.status === 'string') {
          resolve(answer as UploadResult);
          return;
        }
      } catch {
        // Not JSON: a failure.
      }
      reject(failureFrom(request.status, request.responseText));
    };
    request.onerror = request.onabort = () =>
      reject(new ApiFailure(0, 'unreachable', 'The server does not answer.'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}
