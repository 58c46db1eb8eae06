import { afterEach, expect, test, vi } from 'vitest';
import { api, onGate } from './api.ts';

afterEach(() => vi.unstubAllGlobals());

test('a file is sent as it is, under its own type', async () => {
  const fetch = vi.fn(async () => Response.json({ id: 'x' }));
  vi.stubGlobal('fetch', fetch);
  const file = new Blob(['PK'], { type: 'application/zip' });
  expect(await api('/packages', { method: 'POST', body: file })).toEqual({ id: 'x' });
  expect(fetch).toHaveBeenCalledWith(
    '/api/packages',
    expect.objectContaining({
      body: file,
      headers: expect.objectContaining({ 'content-type': 'application/zip' }),
    }),
  );
});
test('with a file, too, a session that ended is told to the shell, and silence has a name', async () => {
  const told: string[] = [];
  onGate((what) => told.push(what));
  const body = new Blob(['PK'], { type: 'application/zip' });
  vi.stubGlobal('fetch', async () =>
    Response.json({ error: { code: 'signed-out', message: '' } }, { status: 401 }),
  );
  await expect(api('/packages', { method: 'POST', body })).rejects.toMatchObject({ code: 'signed-out' });
  expect(told).toEqual(['signed-out']);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  await expect(api('/packages', { method: 'POST', body })).rejects.toMatchObject({ code: 'unreachable' });
});
