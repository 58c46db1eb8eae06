import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { BUNDLE, digestOf, type Sources } from './src/bundle.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const sourcesFile = join(root, BUNDLE, 'sources.json');

/**
 * A module goes on finding what lies beside its source: workers, child processes, `package.json` and what `require` resolves
 * from there. These run as they do without a bundle.
 */
const placed: Plugin = {
  name: 'placed',
  transform(code, id) {
    if (!id.startsWith(join(root, 'src')) || !code.includes('import.meta.url')) return undefined;
    const path = JSON.stringify(relative(join(root, BUNDLE), id));
    // Lines stay, and a stack names lines.
    return {
      code: code.replaceAll('import.meta.url', `new URL(${path}, import.meta.url).href`),
      map: null,
    };
  },
};

let began = 0;
/** Says last, when every file is written, what the bundle was made from: until then it is not used. */
const accounted: Plugin = {
  name: 'accounted',
  buildStart() {
    began = Date.now();
    rmSync(sourcesFile, { force: true });
  },
  writeBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
    const files = [
      ...modules.filter((id) => id.startsWith(join(root, 'src'))).map((id) => relative(root, id)),
      'package-lock.json', // stands for the packages
      'vite.server.config.ts',
    ].sort();
    const changed = files.find((file) => statSync(join(root, file)).ctimeMs > began);
    if (changed) this.error(`${changed} changed while the server was built. Build it again.`);
    const sources: Sources = { digest: digestOf(root, files), files };
    writeFileSync(sourcesFile, JSON.stringify(sources));
  },
};

/** Builds the server to `dist/server`, for `src/main.ts` to load it in place of its thousand modules. */
export default defineConfig({
  publicDir: false,
  plugins: [placed, accounted],
  build: {
    ssr: 'src/cli/main.ts',
    outDir: BUNDLE,
    // A running server may still load a part of the bundle it was started from; names hold a digest, so old ones harm nobody.
    emptyOutDir: false,
    target: 'node24',
    minify: false,
    sourcemap: true,
    reportCompressedSize: false,
    rolldownOptions: { output: { entryFileNames: 'main.js', chunkFileNames: '[name]-[hash].js' } },
  },
  ssr: {
    noExternal: true,
    // Native, or they read files that lie beside them; and none is needed to start.
    external: ['@peculiar/x509', 'fontkit', 'onnxruntime-node', 'pdfkit', 'pg', 'reflect-metadata', 'sharp'],
    resolve: { conditions: ['node'] }, // as Node.js resolves
  },
});
