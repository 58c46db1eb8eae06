/** What finished studies of a tool found at its default operating point: for the gates of the evidence room. */
import { json } from 'node:stream/consumers';
import type { Validated } from '../evidence/index.ts';
import type { Validation } from './studies.ts';
import type { Result } from './types.ts';

export async function validatedAt(
  validation: Pick<Validation, 'list' | 'file'>,
  modelId: string,
): Promise<Validated[]> {
  const done = (await validation.list()).filter(
    (study) => study.modelId === modelId && study.state === 'done' && study.finishedAt !== null,
  );
  const found = await Promise.all(
    done.map(async (study): Promise<Validated[]> => {
      const result = (await json(await validation.file(study.id, 'result.json'))) as Result;
      const at = result.operatingPoints.find(({ name }) => name === result.defaultOperatingPoint);
      if (!at) return [];
      const { tp, fp, tn, fn } = at;
      return [
        {
          version: result.version,
          startedAt: study.createdAt,
          endedAt: study.finishedAt!,
          tp,
          fp,
          tn,
          fn,
        },
      ];
    }),
  );
  return found.flat();
}
