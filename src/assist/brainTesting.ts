/** For tests: the brain tissue package of docs/models, with the weights of the shared data, in a folder of its own. */
import { copyFileSync, cpSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shared } from './testing.ts';

const RECIPE = fileURLToPath(new URL('../../docs/models/brain-tissue', import.meta.url));
const WEIGHTS = 'model5_gw_ae_labels.onnx';

/** The folder; whoever asks removes it. */
export function brainPackage(): string {
  const dir = mkdtempSync(join(tmpdir(), 'negatoscope-brain-'));
  cpSync(RECIPE, dir, { recursive: true });
  copyFileSync(shared(`models/${WEIGHTS}`), join(dir, WEIGHTS));
  return dir;
}

export const brainSlices = (): string[] =>
  readdirSync(shared('mr-t1/series'))
    .sort()
    .map((name) => shared(`mr-t1/series/${name}`));
