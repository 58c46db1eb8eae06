import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Rooms } from '../rooms.ts';
import { serveControl } from './control.ts';

test('a command may take longer than Node lets a request take', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-control-'));
  const server = await serveControl({ config: { dir } } as Rooms);
  // Node's own is 300,000 ms for the whole request (http.Server.requestTimeout), and the body of ours stays open.
  expect(server.requestTimeout).toBe(0);
  await new Promise((closed) => server.close(closed));
  rmSync(dir, { recursive: true });
});
