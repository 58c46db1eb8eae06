import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Asks for the real peers and for one that does not exist, and that no package could bring. */
function ask(ci: string): { status: number | null; stdout: string; stderr: string } {
  const script = `
    import { ensurePeers } from ${JSON.stringify(new URL('./peers.mjs', import.meta.url).href)};
    const wanted = [
      { name: 'Node.js', programs: ['nothing-like-it|node|sh'], packages: [], leftOut: 'all' },
      { name: 'Nothing', programs: ['nothing-of-this-name'], packages: [], leftOut: 'the test of nothing' },
    ];
    console.log(JSON.stringify(ensurePeers({ wanted })));`;
  const env = { ...process.env, CI: ci };
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
}

test('says what is missing and what is left out, and gives the paths of the rest', () => {
  const { status, stdout, stderr } = ask('');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ 'nothing-like-it': expect.stringMatching(/^\/.*(node|sh)$/) });
  expect(stderr).toMatch(/^Nothing +missing: left out is the test of nothing\.$/m);
});

test('with CI=true a missing peer fails', () => {
  const { status, stdout, stderr } = ask('true');
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('nothing may be left out');
});
