/** Arbitrary, fixed: the advisory lock that serialises `store.write` and the migrations within one database. */
export const WRITE_LOCK = 0x4e45_4741; // "NEGA"
