import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Builds the web app to `dist/web`. The server's content security policy allows scripts, fonts and workers from itself
 * only: so nothing is inlined as a data URL and no inline script is written.
 */
export default defineConfig({
  base: '/',
  publicDir: 'src/web/public',
  plugins: [react()],
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
