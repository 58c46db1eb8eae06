import type { Principal } from './types.ts';

/** Who did it, as the event log keeps it. */
export const actorOf = (by: Principal | null): string | undefined => by?.personId ?? by?.name;
