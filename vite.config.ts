import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { brotliCompressSync, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Beside each text a smaller one (Brotli, RFC 7932), which the server gives whoever takes it. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  writeBundle({ dir }, bundle) {
    for (const fileName of Object.keys(bundle)) {
      if (!/\.(js|css|svg|wasm)$/.test(fileName)) continue;
      const source = readFileSync(join(dir!, fileName));
      if (source.length < 1024) continue; // fits into one packet anyway
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
      writeFileSync(join(dir!, `${fileName}.br`), brotliCompressSync(source, { params }));
    }
  },
};

/**
 * Builds the web app to `dist/web`. The server's content security policy allows scripts, fonts and workers from itself
 * only: so nothing is inlined as a data URL and no inline script is written.
 */
export default defineConfig({
  base: '/',
  publicDir: 'src/web/public',
  plugins: [react(), compressed],
  // vtk.js (below Cornerstone) imports Node's `events`; a browser needs npm's package of that name.
  resolve: { alias: { events: here('node_modules/events/events.js') } },
  build: {
    outDir: 'dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4096, // Cornerstone with vtk.js, loaded with the reading page only
  },
  worker: { format: 'es' },
  server: { host: '127.0.0.1' },
});
