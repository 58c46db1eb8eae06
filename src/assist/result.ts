import type { Archive } from '../archive/types.ts';
import type { Store } from '../store/types.ts';
import type { ModelManifest } from './types.ts';

export async function storeResult(
  _deps: { store: Store; archive: Archive },
  _runId: string,
  _m: ModelManifest,
): Promise<string> {
  return '';
}
