import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';
import { writeManifest } from './write-manifest.ts';

const built = fileURLToPath(new URL('./dist/package', import.meta.url));

/** The package `@starling/agent` for other people's pages: plain modules, with everything that they need beside them. */
export default defineConfig({
  // Addresses are relative to the module that asks, wherever the package is served from.
  base: './',
  plugins: [writeManifest(built)],
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  worker: { format: 'es' },
  build: {
    outDir: built,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    reportCompressedSize: false,
    // Not as a library: that would write the engine into the code as text.
    rolldownOptions: {
      input: { index: fileURLToPath(new URL('./src/browser/index.ts', import.meta.url)) },
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: '[name].js' },
    },
  },
});
