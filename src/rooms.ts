import type { Archive } from './archive/types.ts';
import type { Assist } from './assist/types.ts';
import type { Config } from './config.ts';
import type { Forwarding } from './delivery/forward/types.ts';
import type { Delivery } from './delivery/types.ts';
import type { Labelling } from './evidence/labelling/types.ts';
import type { MeasuresRoom } from './evidence/measures/types.ts';
import type { References } from './evidence/reference/types.ts';
import type { ClaimCards } from './evidence/claims/index.ts';
import type { Exports } from './evidence/exports/index.ts';
import type { Monthly } from './evidence/report/index.ts';
import type { Overview } from './evidence/overview/types.ts';
import type { Evidence } from './evidence/types.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { People } from './people/index.ts';
import type { Reading } from './reading/types.ts';
import type { Remote } from './remote/types.ts';
import type { Store } from './store/types.ts';
import type { Validation } from './validation/studies.ts';

/** Every room of one installation, put together once by `openRooms`. */
export interface Rooms {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly people: People;
  readonly archive: Archive;
  readonly assist: Assist;
  readonly evidence: Evidence;
  readonly labelling: Labelling;
  readonly references: References;
  /** What of the evidence leaves, as counts. */
  readonly exports: Exports;
  readonly monthly: Monthly;
  /** Cards of published studies. */
  readonly claims: ClaimCards;
  /** All tools at a glance. */
  readonly overview: () => Promise<Overview>;
  readonly measures: MeasuresRoom;
  readonly reading: Reading;
  readonly remote: Remote;
  readonly delivery: Delivery;
  readonly forwarding: Forwarding;
  readonly validation: Validation;
}
