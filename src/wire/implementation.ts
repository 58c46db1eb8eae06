/**
 * Who we say we are: PS3.7 D.3.3.2. A UID derived from a UUID (PS3.5 B.2) needs no registered root; it stays the same for
 * all versions, the version name changes.
 */
export const IMPLEMENTATION_CLASS_UID = '2.25.229481105743650893217430917640253118461';
export const IMPLEMENTATION_VERSION = 'NEGATOSCOPE_0_1';
