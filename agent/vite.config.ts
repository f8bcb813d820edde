import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';

/** The page that a fleet hosts at /run/, with the agent in its workers. */
export default defineConfig({
  root: fileURLToPath(new URL('./src/browser/page', import.meta.url)),
  base: '/run/',
  resolve: {
    // ONNX Runtime without its files inside: they are served beside it, under their own hashed names.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  worker: { format: 'es' },
  build: {
    outDir: fileURLToPath(new URL('./dist/browser', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
  },
});
