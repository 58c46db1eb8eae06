/**
 * A process that signs one report after the other in the data folder given as its argument, until it is killed. Prints `ready`,
 * then the id of each report once its signature was acknowledged.
 */
import { writeSync } from 'node:fs';
import { createStore } from '../../store/index.ts';
import { migrations, MODEL, openHouse } from './house.ts';

const STUDIES = 30;
const store = await createStore({ dir: process.argv[2]!, migrations });
const house = await openHouse(store);
const { reading } = house;
const reader = await house.person('Dr Anne Marchand', 'reader');
const drafts: { studyUid: string; revision: number }[] = [];
for (let study = 0; study < STUDIES; study++) {
  const { studyUid, sopInstanceUid } = await house.image({ patientId: `P${study}` });
  await house.run(studyUid, 'analysed', { [sopInstanceUid]: 0.9 });
  await reading.claim(studyUid, reader);
  await reading.open(studyUid, reader);
  const { revision } = await reading.saveDraft(
    studyUid,
    { conclusion: 'C', answers: { [MODEL]: 'yes' } },
    0,
    reader,
  );
  drafts.push({ studyUid, revision });
}
writeSync(1, 'ready\n');
for (const { studyUid, revision } of drafts) {
  const { id } = await reading.sign(studyUid, revision, reader);
  writeSync(1, `${id}\n`);
}
writeSync(1, 'done\n');
// Stays until it is killed.
setInterval(() => undefined, 1000);
