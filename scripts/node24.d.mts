export const root: string;
export const PROGRAM: string;
export const PROGRAM_FLAGS: readonly string[];
export function node24(): string | undefined;
