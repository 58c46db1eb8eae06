/** For tests: time of the processor that this thread has had, ms. A busy machine does not count. */
export const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
