/** A volume through the network: slices in, segments on the slices out. */
import { createHash } from 'node:crypto';
import { NegatoscopeError } from '../../errors.ts';
import { keepLargest, segmentsOf } from '../segments.ts';
import type { ModelManifest } from '../types.ts';
import { labelsOnSource, sourceGrid } from '../volume/conform.ts';
import { volumeOf, voxelMl } from '../volume/geometry.ts';
import { prepareVolume } from '../volume/prepare.ts';
import { labelsOf } from './labels.ts';
import type { VolumeResult } from './messages.ts';
import type { Slice } from './pixels.ts';
import { figuresOf, outputOf, shapedAs, wrongOutput, type Infer } from './tensors.ts';

export async function runVolume(
  { id, input, outputs }: ModelManifest,
  slices: Slice[],
  infer: Infer,
): Promise<VolumeResult> {
  const wanted = outputs.segmentation;
  if (input.kind !== 'volume' || !wanted)
    throw new NegatoscopeError('model-error', `${id} takes no volumes`, { status: 500 });
  const volume = volumeOf(slices.map(({ place }) => place));
  const source = sourceGrid(volume);
  const values = volume.order.map((i) => slices[i]!.values);
  slices.length = 0;
  const { grid, tensor } = prepareVolume(values, source, input);
  values.length = 0;
  const figures = figuresOf(tensor);
  globalThis.gc?.();

  const answer = await infer(tensor, [1, 1, ...grid.size]);
  const output = outputOf(answer, wanted.name, id);
  const dims = shapedAs(output, wanted.form === 'labels' ? 3 : 4, wanted.name, id);
  const spatial = dims.slice(-3);
  if (spatial.some((n, i) => n !== grid.size[i]))
    throw wrongOutput(id, `${wanted.name} in the size ${spatial.join(' × ')}, not ${grid.size.join(' × ')}`);
  const labels = labelsOf(output, wanted, wanted.form === 'labels' ? 1 : dims[0]!, id);
  if (wanted.keep === 'largest') keepLargest(labels, grid.size);

  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]! += 1;
  return {
    input: figures,
    order: volume.order,
    voxels: Object.fromEntries(Object.entries(wanted.labels).map(([n, key]) => [key, counts[Number(n)]!])),
    labelsSha256: createHash('sha256').update(labels).digest('hex'),
    segmentation: {
      rows: volume.rows,
      columns: volume.columns,
      geometry: {
        frameOfReferenceUid: volume.frameOfReferenceUid,
        orientation: volume.orientation,
        spacing: volume.spacing,
        thickness: volume.thickness,
        between: volume.between,
        positions: volume.positions,
      },
      ...segmentsOf(
        labelsOnSource(labels, grid, source),
        volume.rows,
        volume.columns,
        wanted.labels,
        voxelMl(volume),
      ),
    },
  };
}
