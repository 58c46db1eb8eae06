/**
 * Memory for bytes of instances on their way out, used again. Allocating megabytes for each answer costs more than reading them
 * (memory comes from the system page by page), and new ones for each image keep the garbage collector busy.
 */
export const BUFFER_BYTES = 1024 * 1024;
const KEPT = 24;
/** So little costs nothing. */
const LEAST = 16 * 1024;
const spare: Buffer[] = [];

export const buffers = {
  /** At least `length` bytes where that is up to `BUFFER_BYTES`. */
  take: (length = BUFFER_BYTES): Buffer =>
    length <= LEAST ? Buffer.allocUnsafeSlow(length) : (spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)),
  /** Once, and when nobody will look at it again. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === BUFFER_BYTES && spare.length < KEPT) spare.push(buffer);
  },
};
