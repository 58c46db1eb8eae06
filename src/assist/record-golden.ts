/**
 * Records the golden cases of a package from its model: `node src/assist/record-golden.ts models/ID`. For the maker of a
 * package, after the port was checked against the reference implementation; it overwrites the package's golden file.
 */
import { resolve } from 'node:path';
import { loadPackage } from './package.ts';
import { recordGolden } from './record.ts';

await recordGolden(await loadPackage(resolve(process.argv[2] ?? '.')));
