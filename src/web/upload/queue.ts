/**
 * The upload queue: three files at a time, each with its progress and its result. Photos are held until the form has
 * said whose they are. State lives outside React, so that it survives a change of page.
 */
import { useSyncExternalStore } from 'react';
import type { AttachmentForm, UploadResult, Wrappable } from '../../doors/api/contract.ts';
import { ApiFailure, csrfHeader, failureFrom } from '../api.ts';
import { pictureType } from './collect.ts';
import type { Picked } from './collect.ts';

const AT_ONCE = 3;

export type ItemState =
  | { kind: 'waiting' }
  | { kind: 'sending'; sent: number }
  | { kind: 'photo'; mediaType: Wrappable } // waits for the form
  | { kind: 'done'; result: UploadResult }
  | { kind: 'failed'; failure: ApiFailure };
export interface Item {
  readonly id: number;
  readonly file: File;
  readonly path: string;
  readonly state: ItemState;
}

let items: readonly Item[] = [];
let count = 0;
let active = 0;
let emitting = false;
const listeners = new Set<() => void>();

/** Thousands of files report progress many times a second; the page hears of it once a frame. */
function emit(): void {
  if (emitting) return;
  emitting = true;
  requestAnimationFrame(() => {
    emitting = false;
    items = [...byId.values()];
    for (const listener of listeners) listener();
  });
}
const byId = new Map<number, Item>();
const put = (item: Item, state: ItemState): Item => {
  const next = { ...item, state };
  byId.set(item.id, next);
  emit();
  return next;
};

export const useUploads = (): readonly Item[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => items,
  );

/** Puts files into the queue as they are found. */
export async function enqueue(files: AsyncIterable<Picked> | Iterable<Picked>): Promise<void> {
  for await (const { file, path } of files) {
    const item: Item = { id: ++count, file, path, state: { kind: 'waiting' } };
    byId.set(item.id, item);
    waiting.push(item.id);
    emit();
    pump();
  }
}
const waiting: number[] = [];

function pump(): void {
  while (active < AT_ONCE) {
    const id = waiting.shift();
    if (id === undefined) return;
    const item = byId.get(id);
    if (!item) continue;
    active++;
    void send(item).finally(() => {
      active--;
      pump();
    });
  }
}

async function send(item: Item): Promise<void> {
  try {
    const mediaType = pictureType(new Uint8Array(await item.file.slice(0, 8).arrayBuffer()));
    if (mediaType) {
      put(item, { kind: 'photo', mediaType });
      return;
    }
    put(item, { kind: 'sending', sent: 0 });
    const result = await post(
      '/api/upload',
      item.file,
      { 'x-file-name': encodeURIComponent(item.path) },
      (sent) => put(item, { kind: 'sending', sent }),
    );
    if (result.status === 'needs-form') put(item, { kind: 'photo', mediaType: result.mediaType });
    else put(item, { kind: 'done', result });
  } catch (error) {
    put(item, { kind: 'failed', failure: asFailure(error) });
  }
}

/** Sends photos with one form into one study. */
export async function sendPhotos(photos: readonly Item[], form: AttachmentForm): Promise<void> {
  let studyUid = form.studyUid;
  for (const item of photos) {
    const mediaType = item.state.kind === 'photo' ? item.state.mediaType : 'image/jpeg';
    put(item, { kind: 'sending', sent: 0 });
    try {
      const described = encodeURIComponent(JSON.stringify({ ...form, ...(studyUid ? { studyUid } : {}) }));
      const result = await post(
        '/api/attachments',
        item.file,
        { 'x-form': described, 'content-type': mediaType },
        (sent) => put(item, { kind: 'sending', sent }),
      );
      if (result.status === 'stored' || result.status === 'duplicate') studyUid ??= result.studyUid;
      put(item, { kind: 'done', result });
    } catch (error) {
      put(item, { kind: 'failed', failure: asFailure(error) });
    }
  }
}

export function retry(item: Item): void {
  put(item, { kind: 'waiting' });
  waiting.push(item.id);
  pump();
}
export function forget(some: readonly Item[]): void {
  for (const { id } of some) byId.delete(id);
  emit();
}

const asFailure = (error: unknown): ApiFailure =>
  error instanceof ApiFailure ? error : new ApiFailure(0, 'file-unreadable', 'The file cannot be read.');

/** `fetch` cannot say how much was sent; XMLHttpRequest can. */
function post(
  url: string,
  file: File,
  headers: Record<string, string>,
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
    request.onerror = () => reject(new ApiFailure(0, 'unreachable', 'The server does not answer.'));
    request.send(file);
  });
}

export interface Summary {
  total: number;
  finished: number;
  stored: number;
  duplicates: number;
  ignored: number;
  problems: number;
  photos: number;
  /** 0…1 over all bytes. */
  progress: number;
}
/** Counts of a queue; pure. */
export function summary(all: readonly Item[]): Summary {
  const sum: Summary = {
    total: 0,
    finished: 0,
    stored: 0,
    duplicates: 0,
    ignored: 0,
    problems: 0,
    photos: 0,
    progress: 0,
  };
  let bytes = 0;
  let sent = 0;
  for (const { file, state } of all) {
    sum.total++;
    bytes += file.size;
    if (state.kind === 'sending') sent += file.size * state.sent;
    if (state.kind === 'photo') sum.photos++;
    if (state.kind !== 'done' && state.kind !== 'failed') continue;
    sum.finished++;
    sent += file.size;
    if (state.kind === 'failed') sum.problems++;
    else if (state.result.status === 'stored') sum.stored++;
    else if (state.result.status === 'duplicate') sum.duplicates++;
    else if (state.result.status === 'ignored') sum.ignored++;
    else sum.problems++;
  }
  sum.progress = bytes ? sent / bytes : 0;
  return sum;
}
/** Whether a person has to look at it. */
export const isProblem = ({ state }: Item): boolean =>
  state.kind === 'failed' ||
  (state.kind === 'done' && (state.result.status === 'quarantined' || state.result.status === 'refused'));
