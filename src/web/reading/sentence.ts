/** A tool's operating point as the sentence that a physician can weigh: the maker's own, for the region where it is known. */
import type { ModelView, Text } from '../../doors/api/contract.ts';

type Manifest = ModelView['manifest'];

/** The maker's figures for these body parts; those of all regions where none fits. */
export function measuredFor(manifest: Manifest, bodyParts: readonly string[]) {
  const point = manifest.operatingPoints[manifest.defaultOperatingPoint];
  const own = point?.measured.find(
    ({ region, bodyParts: parts }) => region !== '' && bodyParts.some((part) => parts.includes(part)),
  );
  return own ?? point?.measured.find(({ region }) => region === '') ?? point?.measured[0];
}

export function operatingSentence(
  say: (text: Text) => string,
  manifest: Manifest,
  bodyParts: readonly string[],
): string {
  const measured = measuredFor(manifest, bodyParts);
  return measured ? say(measured.text) : '';
}
