/** Mutations of the tree rather than of the text, which would mostly be no JSON any more. */
const VRS =
  'AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV XX'.split(
    ' ',
  );
const KEYS = [
  'vr',
  'Value',
  'InlineBinary',
  'BulkDataURI',
  'Binary',
  'Fragments',
  'Alphabetic',
  '7FE00010',
  '00080005',
  '__proto__',
  '',
];
const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '',
  '\\',
  '1.2',
  'é',
  '\u0000',
  'x'.repeat(70_000),
  [],
  [null],
  [[]],
  {},
];

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Up to three places of `root`, which may be changed, get another value, name or depth. `below(n)`: a whole number under n. */
export function mutateJson(root: unknown, below: (limit: number) => number): unknown {
  const top = { root };
  for (let times = 1 + below(3); times > 0; times--) {
    const places: Place[] = [];
    const collect = (holder: object): void => {
      for (const key of Object.keys(holder)) {
        places.push({ holder: holder as Record<string, unknown>, key });
        const value = (holder as Record<string, unknown>)[key];
        if (typeof value === 'object' && value !== null) collect(value);
      }
    };
    collect(top);
    const place = places[below(places.length)];
    if (!place) break;
    const { holder, key } = place;
    switch (below(6)) {
      case 0:
        holder[key] = structuredClone(VALUES[below(VALUES.length)]);
        break;
      case 1:
        delete holder[key];
        break;
      case 2:
        Object.defineProperty(holder, KEYS[below(KEYS.length)]!, {
          value: structuredClone(holder[key]),
          enumerable: true,
          writable: true,
          configurable: true,
        });
        break;
      case 3: {
        const from = places[below(places.length)]!;
        holder[key] = structuredClone(from.holder[from.key]);
        break;
      }
      case 4:
        for (let depth = 1 << below(8); depth > 0; depth--)
          holder[key] = { vr: 'SQ', Value: [{ '00081140': holder[key] }] };
        break;
      default:
        if (key === 'vr') holder[key] = VRS[below(VRS.length)];
        else if (typeof holder[key] === 'object' && holder[key] !== null)
          (holder[key] as Record<string, unknown>)['vr'] = VRS[below(VRS.length)];
        else holder[key] = [holder[key]];
    }
  }
  return top.root;
}
