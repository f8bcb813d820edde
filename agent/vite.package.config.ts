import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';
import { portableAddresses } from './portable-addresses.ts';
import { writeManifest } from './write-manifest.ts';

const built = fileURLToPath(new URL('./dist/package', import.meta.url));
const source = fileURLToPath(new URL('./src/browser', import.meta.url));

/** The package `@starling/agent` for other people's pages: plain modules, with everything that they need beside them. */
export default defineConfig({
  // Addresses are relative to the module that asks, wherever the package is served from.
  base: './',
  plugins: [portableAddresses(built), writeManifest(built)],
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  // One file per worker: bundlers write workers as scripts unless told otherwise, and scripts cannot be split.
  worker: { format: 'es', rolldownOptions: { output: { codeSplitting: false } } },
  build: {
    outDir: built,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
    // Not as a library: that would write the engine into the code as text.
    rolldownOptions: {
      input: { index: `${source}/index.ts`, 'isolation-worker': `${source}/isolation-worker.ts` },
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: '[name].js' },
    },
  },
});
