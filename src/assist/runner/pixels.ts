import { NegatoscopeError } from '../../errors.ts';
import type { GreyPlane } from '../preprocess.ts';

export async function greyOfDicom(_file: Uint8Array): Promise<GreyPlane> {
  throw new NegatoscopeError('pixels-undecodable', 'not yet');
}
