/** Windows by region: what a keyboard's digits and a menu offer beside those of the header. */

export interface Preset {
  /** Key of the catalogue, `preset.<id>`. */
  id: string;
  centre: number;
  width: number;
}
/** For CT in Hounsfield units, centre and width as radiology departments commonly set them; a hand on the mouse goes on from there. */
const CT: readonly Preset[] = [
  { id: 'soft', centre: 40, width: 400 },
  { id: 'lung', centre: -600, width: 1500 },
  { id: 'bone', centre: 480, width: 2500 },
  { id: 'brain', centre: 40, width: 80 },
  { id: 'stroke', centre: 40, width: 40 },
  { id: 'mediastinum', centre: 50, width: 350 },
  { id: 'liver', centre: 60, width: 160 },
  { id: 'vessels', centre: 300, width: 600 },
];
/** None where the values have no unit: a window in numbers would mean nothing. */
export const presetsFor = (unit: 'HU' | ''): readonly Preset[] => (unit === 'HU' ? CT : []);
