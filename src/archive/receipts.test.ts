import { expect, test } from 'vitest';
import { eachStore } from '../store/testing.ts';
import { archiveMigrations } from './index.ts';
import { createReceipts } from './receipts.ts';
import type { ReceiptRow } from './types.ts';

const receipt = (more: Partial<ReceiptRow>): ReceiptRow => ({
  id: 'one',
  callingAe: 'CT1',
  calledAe: 'NEGATOSCOPE',
  address: '192.0.2.1',
  tls: false,
  startedAt: 1000,
  endedAt: 2000,
  outcome: 'open',
  reason: '',
  implementation: 'X',
  contexts: [],
  answers: {},
  refused: [],
  ...more,
});

eachStore((_label, make) => {
  test('what was open when the program was killed is shown as cut off, with what was told of it', async () => {
    const store = await make({ migrations: archiveMigrations });
    const receipts = createReceipts(store);
    await receipts.keep(receipt({ answers: { 'C-STORE 0000': 3 } }));
    await receipts.keep(receipt({ id: 'two' }));
    await receipts.keep(receipt({ id: 'two', outcome: 'broken', reason: 'dimse-closed' }));
    expect((await receipts.list({})).map(({ id, outcome }) => `${id} ${outcome}`).sort()).toEqual([
      'one open',
      'two broken',
    ]);
    // The program is started again.
    const again = createReceipts(store);
    await again.recover();
    expect((await again.list({})).find(({ id }) => id === 'one')).toEqual(
      receipt({ outcome: 'cut-off', answers: { 'C-STORE 0000': 3 } }),
    );
  });

  test('one that only echoed takes the place of the one before, also where it was told of while open', async () => {
    const store = await make({ migrations: archiveMigrations });
    const receipts = createReceipts(store);
    for (const id of ['one', 'two']) {
      await receipts.keep(receipt({ id }));
      await receipts.keep(receipt({ id, outcome: 'released', answers: { 'C-ECHO 0000': 1 } }));
    }
    expect(await receipts.list({})).toHaveLength(1);
  });
});
