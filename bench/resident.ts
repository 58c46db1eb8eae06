import { readFileSync } from 'node:fs';

/** Resident memory of a process and all that it started, MB; 0 where there is no /proc. Waits first: what is not needed any more is given back. */
export async function residentMegabytes(pid: number, waitMs = 2000): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  const of = (id: number): number => {
    try {
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
      const children = readFileSync(`/proc/${id}/task/${id}/children`, 'utf8').split(' ').filter(Boolean);
      return children.reduce((sum, child) => sum + of(Number(child)), kilobytes);
    } catch {
      return 0;
    }
  };
  return of(pid) / 1024;
}
