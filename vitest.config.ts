import { configDefaults, defineConfig } from 'vitest/config';

/** They keep both cores busy, and look at what the machine has left: alone, after all others. */
const ALONE = ['e2e/load.test.ts', 'e2e/memory.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['src/store/testing/global-setup.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'scripts/**/*.test.ts', 'e2e/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
